"""One announcement into the database: a new parcel, more about a known one, or refused."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from datetime import datetime, timedelta
from typing import Any

import structlog

from tracker_sync.errors import TrackerError
from tracker_sync.lifecycle.intake import Decision, Intake, accept, unfit
from tracker_sync.messages.message import parcel_subject
from tracker_sync.messages.verdict import NO_RECIPIENT
from tracker_sync.model import (
    Advice,
    Direction,
    Kind,
    Meaning,
    Origin,
    Recipient,
    Scan,
    Shipment,
    Status,
)
from tracker_sync.store import stamp
from tracker_sync.store.connection import maybe_stamp
from tracker_sync.sync import follow, record, whose
from tracker_sync.sync.courier import brand_of
from tracker_sync.sync.house import House
from tracker_sync.sync.owing import parcel_message

log = structlog.get_logger()

_MOMENT = timedelta(seconds=1)


class Undecided(TrackerError):
    """Nobody can tell whose parcel an announcement is about; it waits."""

    def __init__(self, rivals: tuple[str, ...]) -> None:
        super().__init__("the number fits no single brand")
        self.rivals = rivals


class Refused(TrackerError):
    """An announcement cannot be taken; the text says why, without personal data."""


class Intaker:
    """Takes the announcements of one source in, one by one."""

    def __init__(
        self,
        house: House,
        source: str,
        rank: int,
        *,
        active_from: datetime,
        now: datetime,
        usual: str = "",
    ) -> None:
        """*usual*: the brand of rows that name no courier, where the number fits several."""
        self._house = house
        self.source = source
        self._usual = usual
        self._rank = rank
        self._active_from = active_from
        self._now = now

    @property
    def tried(self) -> str:
        """What the decision hangs on: tried again when it changes."""
        return " ".join([*self._house.asked_brands, f"({self._usual})"])

    def take(self, advice: Advice) -> Decision:
        """Take one announcement; Refused says why not, Undecided that nobody can tell."""
        store = self._house.store
        if why := unfit(advice):
            raise Refused(why)
        brand = self._brand(advice)
        if store.privacy.is_purged(brand, advice.number):
            raise Refused("the shipment was purged after its retention time; the row is ignored")
        if store.privacy.is_erased(advice.recipient):
            advice = replace(advice, recipient=Recipient())
        known = store.shipments.find(brand, advice.number) or self._corrected(brand, advice)
        joins = known is not None and store.shipments.source(known.id) != self.source
        decision = accept(advice, known, self._now, joins=joins)
        why = whose.swapped(store, advice) if known is None else decision.reason
        if decision.intake is Intake.REFUSE or (known is None and why):
            raise Refused(why)
        odd = self._odd(advice, known, decision)
        if known is None or decision.intake is Intake.NEW_LEG:
            self._add(brand, advice, known)
        else:
            self._update(known, advice)
        store.waiting.over(self.source, advice.number)
        if odd:
            log.warning("intake.changed", where=advice.where, what=odd)
        return Decision(decision.intake, odd)

    def _brand(self, advice: Advice) -> str:
        """Who moves the parcel."""
        choice = brand_of(advice, self._house.asked_brands, usual=self._usual)
        if choice.unknown:
            raise Refused("the courier is unknown; `tracker-sync carriers` lists those we know")
        brand = choice.brand or self._known_brand(advice)
        if brand is None:
            raise Undecided(choice.rivals)
        return brand

    def _odd(self, advice: Advice, known: Shipment | None, decision: Decision) -> str:
        """What a person should hear of an announcement that is taken all the same."""
        store = self._house.store
        if known is None or decision.intake is Intake.NEW_LEG:
            return whose.odd(store, advice, self._now)
        firm = self._may_overwrite(known.id)
        return whose.changed(store, known, firm=firm) if decision.reason else ""

    def _known_brand(self, advice: Advice) -> str | None:
        """The brand another row has told for this number, where it is one."""
        brands = {known.brand for known in self._house.store.shipments.by_number(advice.number)}
        return brands.pop() if len(brands) == 1 else None

    def _corrected(self, brand: str, advice: Advice) -> Shipment | None:
        """A corrected number is a second number of the same parcel."""
        known = (
            self._house.store.shipments.find(brand, advice.replaces) if advice.replaces else None
        )
        if known:
            self._house.store.shipments.add_number(known.id, brand, advice.number)
            self._house.store.shipments.update(
                known.id, {"number": advice.number, "next_poll_at": stamp(self._now)}
            )
        return known

    def _add(self, brand: str, advice: Advice, before: Shipment | None) -> None:
        shipments = self._house.store.shipments
        columns = {
            "brand": brand,
            "number": advice.number,
            "first_number": advice.number,
            "leg": before.leg + 1 if before else 1,
            "direction": advice.direction,
            "requested": int(advice.requested),
            "source": self.source,
            "taken_at": stamp(self._now),
            "active_from": stamp(self._active_from),
            "next_poll_at": stamp(self._now),
            **_facts(advice),
        }
        if before:
            shipments.update(before.id, {"next_poll_at": None, "watch_at": None})
        shipment_id = shipments.insert(columns)
        self._link(shipment_id, advice)
        self._tell(shipments.get(shipment_id), advice)

    def _update(self, known: Shipment, advice: Advice) -> None:
        """Blank cells never erase; the source that stands first in the YAML wins."""
        shipments = self._house.store.shipments
        facts = _facts(advice)
        if not self._may_overwrite(known.id):
            facts = {k: v for k, v in facts.items() if not shipments.filled(known.id, k)}
        shipments.update(known.id, facts)
        self._link(known.id, advice)
        shipment = shipments.get(known.id)
        if shipment.recipient.known:
            self._house.store.outbox.hasten(known.id, NO_RECIPIENT, self._now)
        self._tell(shipment, advice)

    def _may_overwrite(self, shipment_id: int) -> bool:
        first = self._house.store.shipments.source(shipment_id)
        names = [source.name for source in self._house.sources]
        return first not in names or self._rank <= names.index(first)

    def _link(self, shipment_id: int, advice: Advice) -> None:
        """Tie the parcel to its order; without a reference it is its own."""
        store = self._house.store
        shipment = store.shipments.get(shipment_id)
        nameless = next((order for order in shipment.orders if not order.reference), None)
        order = store.orders.find(advice.order)
        if not advice.order:
            subject = parcel_subject(shipment.brand, shipment.first_number, shipment.leg)
            order = shipment.orders[0] if shipment.orders else store.orders.add("", subject)
        elif order is None and nameless:
            store.orders.name(nameless.id, advice.order)
            order = nameless
        elif order is None:
            order = store.orders.add(advice.order)
        elif nameless:
            follow.withdraw(self._house, nameless, "the order is known now", self._now)
            store.orders.dissolve(nameless.id, order.id)
        store.orders.describe(order.id, shop_id=advice.order_id, parcel_count=advice.parcel_count)
        if store.orders.link(shipment_id, order.id) and shipment.direction is Direction.OUTBOUND:
            follow.withdraw(self._house, order, "a parcel was added", self._now)

    def _tell(self, shipment: Shipment, advice: Advice) -> None:
        """What the source itself knows: a dispatch, a requested return."""
        house, now = self._house, self._now
        if advice.dispatched_at:
            told = Scan(
                advice.dispatched_at,
                "dispatched",
                Meaning(Status.DISPATCHED),
                origin=Origin.SOURCE,
            )
            house.store.shipments.add_scans(shipment.id, self.source, [told], now)
        if shipment.direction is Direction.RETURN and advice.requested:
            at = advice.shipped_at or (now if now > self._active_from else now - _MOMENT)
            message = parcel_message(house, shipment, Kind.RETURN_LABEL_CREATED, at)
            record.owe(house, shipment, replace(message, due_at=now), now)
            for order in shipment.orders:
                follow.withdraw(house, order, "the customer returns something", now)
        record.refresh(house, shipment, now)


def _facts(advice: Advice) -> dict[str, Any]:
    """The columns an announcement fills; blanks are left out, so they erase nothing."""
    recipient = advice.recipient
    facts = {
        "email": recipient.email,
        "phone": recipient.phone,
        "external_id": recipient.external_id,
        "consent": None if recipient.consent is None else int(recipient.consent),
        "language": advice.language,
        "country": advice.destination_country,
        "order_url": advice.order_url,
        "shipped_at": maybe_stamp(advice.shipped_at),
        "items": json.dumps([asdict(item) for item in advice.items]) if advice.items else "",
        "properties": json.dumps(dict(advice.properties)) if advice.properties else "",
    }
    return {name: value for name, value in facts.items() if value not in ("", None)}
