"""Names of event properties: ours, which may get aliases, and the merchant's own.

Floor 3.
"""

from __future__ import annotations

import difflib
from typing import Annotated

from pydantic import AfterValidator

from tracker_sync.messages.names import NAMES


def _own(value: str) -> str:
    if value in NAMES:
        raise ValueError("is a property we fill ourselves; choose another name")
    if not value.strip() or value.startswith("$") or value == "value":
        raise ValueError("cannot be the name of a property; Klaviyo keeps it for itself")
    return value


def _ours(value: str) -> str:
    if value in NAMES:
        return value
    by_small = {name.lower(): name for name in sorted(NAMES)}
    close = difflib.get_close_matches(value.lower().replace("_", ""), by_small, n=1)
    hint = f'; did you mean "{by_small[close[0]]}"?' if close else ""
    raise ValueError(f"is not a property we send{hint}")


OurProperty = Annotated[str, AfterValidator(_ours)]
OwnProperty = Annotated[str, AfterValidator(_own)]
