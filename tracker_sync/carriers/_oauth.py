"""What the carriers behind an OAuth client share: the token they grant, the header it goes into.

Floor 2.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from tracker_sync.carriers.facts import Token

_EARLY = timedelta(minutes=5)  # a token is renewed before it ends


def granted(payload: Any) -> Token:
    """Read a token and how long it lasts."""
    lasts = timedelta(seconds=int(payload["expires_in"]))
    return Token(payload["access_token"].strip(), max(lasts - _EARLY, lasts / 2))


def bearer(token: str | None) -> dict[str, str]:
    """Return the header a token goes into."""
    return {"Authorization": f"Bearer {token}"} if token else {}
