"""What the merchant writes under `klaviyo:`."""

from __future__ import annotations

import re
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

from tracker_sync.wire.answers import secure

# The first revision whose published schema knows `backfill`; Klaviyo serves it until mid-2028.
REVISION = "2026-07-15"
OFFICIAL = "https://a.klaviyo.com"


class KlaviyoConfig(BaseModel):
    """Keys and manners of sending. Exactly one of the two keys is needed.

    Klaviyo shows them under Settings > API keys; a private key needs the scope `events:write`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    private_key: SecretStr | None = Field(default=None, description='starts with "pk_"')
    public_key: str | None = Field(default=None, description="six characters; the old way")
    base_url: str | None = Field(default=None, description="replaces scheme, host and port")
    revision: str = Field(default=REVISION, description="version of Klaviyo's API")
    mode: Literal["live", "shadow"] = Field(
        default="live", description="shadow: everything is recorded, no flow starts"
    )
    only_to: tuple[str, ...] = Field(default=(), description="e-mail addresses of pilots")
    workers: int = Field(default=8, ge=1, le=32, description="calls at the same time")
    timeout: float = Field(default=20, gt=0, le=120, description="seconds for one whole call")

    @field_validator("private_key")
    @classmethod
    def _private(cls, key: SecretStr | None) -> SecretStr | None:
        if key is None:
            return None
        text = key.get_secret_value().strip()
        if not text.startswith("pk_"):
            raise ValueError(_not_private(text))
        if not re.fullmatch(r"[!-~]+", text):
            raise ValueError("has blanks or special characters in it: copy it again")
        return SecretStr(text)

    @field_validator("public_key")
    @classmethod
    def _public(cls, key: str | None) -> str | None:
        if key is None:
            return None
        if key.strip().startswith("pk_"):
            raise ValueError("this is a private key: write it as private_key")
        if not re.fullmatch(r"[A-Za-z0-9]{6}", key.strip()):
            raise ValueError("the public key has six letters and digits: copy it again")
        return key.strip()

    @field_validator("base_url")
    @classmethod
    def _base_url(cls, url: str | None) -> str | None:
        return secure(url)

    @field_validator("revision", mode="before")
    @classmethod
    def _revision(cls, revision: object) -> str:
        # YAML turns 2026-07-15 without quotes into a date, whose text is the same.
        text = str(revision)
        if not re.fullmatch(r"20[0-9]{2}-[01][0-9]-[0-3][0-9](\.pre)?", text):
            raise ValueError(f'must be a date such as "{REVISION}"')
        return text

    @model_validator(mode="after")
    def _one_key(self) -> Self:
        if (self.private_key is None) == (self.public_key is None):
            both = "not both" if self.private_key else "Settings > API keys in Klaviyo shows it"
            raise ValueError(f"give private_key (better) or public_key, {both}")
        return self


def _not_private(text: str) -> str:
    if len(text) == 6:
        return (
            'six characters: this is the public key; a private key starts with "pk_" '
            "(Klaviyo: Settings > API keys > Create private key, scope events:write)"
        )
    return 'a private key starts with "pk_"'
