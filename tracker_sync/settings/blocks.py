"""The blocks of the YAML as frozen values.

Floor 3. Carriers and sources bring their own blocks: their Config classes are the schema.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Self
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from tracker_sync.carriers import CarrierConfig
from tracker_sync.carriers.facts import ViaConfig
from tracker_sync.klaviyo import KlaviyoConfig
from tracker_sync.model import Kind
from tracker_sync.settings.properties import OurProperty, OwnProperty
from tracker_sync.settings.words import (
    Country,
    Duration,
    HeartbeatUrl,
    KnownKind,
    Language,
    Link,
    MetricName,
    QuietHours,
    ShopId,
    Textfile,
    Trigger,
    Wait,
    Zone,
    quiet_hours,
)
from tracker_sync.sources import SourceConfig


class Block(BaseModel):
    """A block of keys, where a key we do not know is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class Shop(Block):
    """Whose parcels these are."""

    id: ShopId
    name: str = ""
    timezone: Zone
    language: Language = "en"
    country: Country | None = None

    @property
    def zone(self) -> ZoneInfo:
        """The shop's time zone, for texts, quiet hours and working days."""
        return ZoneInfo(self.timezone)


class Onboarding(StrEnum):
    """What becomes of news from before a source or carrier was switched on."""

    SILENT = "silent"
    BACKFILL = "backfill"
    LIVE = "live"


class Items(StrEnum):
    """How much of the bought items goes into a message."""

    OFF = "off"
    NAMES = "names"
    FULL = "full"


class Basis(StrEnum):
    """Why a shop may send advertising to this customer."""

    CONSENT = "consent"
    EXISTING_CUSTOMER = "existing_customer"
    NONE = "none"


class Links(Block):
    """Pages of the shop; {order_number}, {order_id} and {tracking_number} are filled in."""

    review: Link = ""
    tracking_page: Link = ""


class Messages(Block):
    """What Klaviyo gets, when, and under which names."""

    onboarding: Onboarding = Onboarding.SILENT
    max_age: Duration = timedelta(hours=48)
    settle: Wait = timedelta(hours=2)
    quiet_hours: QuietHours = quiet_hours("21:00-07:00")
    max_per_recipient: int = Field(default=4, ge=1)
    guard: bool = True
    prefix: str = Field(default="", max_length=60)
    rename: Mapping[KnownKind, MetricName] = {}
    enable: tuple[KnownKind, ...] = ()
    mute: tuple[KnownKind, ...] = ()
    items: Items = Items.NAMES
    also_as: Mapping[OurProperty, OwnProperty] = {}
    properties: Mapping[OwnProperty, str] = {}
    links: Links = Links()
    phone_if_no_email: bool = False
    external_id_if_no_email: bool = False

    @model_validator(mode="after")
    def _one_wish_a_kind(self) -> Self:
        both = sorted({*self.enable} & {*self.mute})
        if both:
            raise ValueError(f"has {both[0]} under enable and under mute; remove one")
        return self


class FollowUp(Block):
    """A message that becomes due later and is checked again before it goes."""

    after: Trigger
    delay: Duration
    metric: MetricName | None = None
    basis: Basis | None = None
    at_most_every: Wait = timedelta(0)  # per recipient; nothing = as often as it happens
    enabled: bool = True


class ReviewRequest(FollowUp):
    """Asks for a review once the whole order has been delivered."""

    after: Trigger = Kind.ORDER_DELIVERED
    delay: Duration = timedelta(days=3)
    at_most_every: Wait = timedelta(days=30)

    @model_validator(mode="after")
    def _basis_is_stated(self) -> Self:
        if self.enabled and self.basis is None:
            raise ValueError(
                "is on, so its `basis` must be stated: consent, existing_customer or none"
                " (asking for a review is advertising, which the law allows only with a basis)"
            )
        return self


class PickupReminder(FollowUp):
    """Reminds of a parcel that still waits at a pickup point."""

    after: Trigger = Kind.READY_FOR_PICKUP
    delay: Duration = timedelta(days=3)


class OwnFollowUp(FollowUp):
    """A follow-up of the merchant's own; it needs a metric name."""

    metric: MetricName


class Retention(Block):
    """How long data is kept after it was last needed."""

    recipient: Duration = timedelta(days=60)
    shipment: Duration = timedelta(days=180)
    files: Duration = timedelta(days=14)

    @model_validator(mode="after")
    def _people_first(self) -> Self:
        if self.recipient > self.shipment:
            raise ValueError("keeps recipient longer than shipment; recipient must be the shorter")
        return self


class Monitoring(Block):
    """Who is told how the passes go. A heartbeat's address is a secret: who has it can send one."""

    heartbeat: HeartbeatUrl | None = None
    textfile: Textfile | None = None
    log_every_pass: bool = False
    reconcile: bool = True


class Polling(Block):
    """How often and how long carriers are asked."""

    every: Duration = Field(default=timedelta(minutes=5), ge=timedelta(minutes=1))
    pass_limit: Duration = Field(default=timedelta(minutes=4), ge=timedelta(seconds=10))
    give_up: Duration = timedelta(days=30)
    silent: Duration = timedelta(days=60)


class Settings(BaseSettings):
    """Everything the merchant configured, checked; printing it shows no secret."""

    model_config = SettingsConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    path: Path  # of the file itself
    shop: Shop
    database: Path
    sources: tuple[SourceConfig, ...] = ()
    carriers: Mapping[str, CarrierConfig] = {}
    brands: Mapping[str, ViaConfig] = {}  # from `carriers`: those an aggregator answers for
    klaviyo: KlaviyoConfig | None = None
    messages: Messages = Messages()
    follow_ups: Mapping[str, FollowUp] = {}
    retention: Retention = Retention()
    polling: Polling = Polling()
    monitoring: Monitoring = Monitoring()

    @property
    def folder(self) -> Path:
        """Where relative paths of the file start."""
        return self.path.parent

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        *_: PydanticBaseSettingsSource,
        **__: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Take what `load` merged, and nothing else.

        The library's own YAML and environment sources know no lines, miss typing errors in
        variables and lose case; see `document` and `environment`.
        """
        return (init_settings,)

    def __repr__(self) -> str:
        return f"Settings({self.shop.id!r}, carriers={sorted(self.carriers)})"

    __str__ = __repr__
