"""What FedEx complains about: our keys, itself, or a number.

Floor 2.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import httpx

from tracker_sync.carriers._fedex_answer import word
from tracker_sync.errors import Rejected, Unavailable

_DOWN = frozenset({"INTERNAL.SERVER.ERROR", "SERVICE.UNAVAILABLE.ERROR"})
_REFUSED = {
    "NOT.AUTHORIZED.ERROR": (401, "token or keys refused: check client_id, client_secret"),
    "FORBIDDEN.ERROR": (403, "the project may not track: add the Track API to it at FedEx"),
    "NOT.FOUND.ERROR": (404, "FedEx knows no such address of its API: check base_url"),
}
_ABOUT_A_NUMBER = ("TRACKING.TRACKINGNUMBER.", "TRACKING.DATA.NOTFOUND")


def faults(payload: Any) -> set[str]:
    """Return the codes of an error body; none for an answer about parcels."""
    match payload:
        case {"errors": [*errors]}:
            return {word(error, "code") for error in errors if isinstance(error, dict)}
    return set()


def faults_of(response: httpx.Response) -> set[str]:
    """Return the codes of an error answer; none where a gateway answers in HTML."""
    try:
        return set() if response.is_success else faults(response.json())
    except (ValueError, RecursionError):
        return set()


def complain(peer: str, codes: set[str]) -> None:
    """Raise for the codes that are about us or FedEx itself."""
    for code in codes & _REFUSED.keys():
        status, text = _REFUSED[code]
        raise Rejected(peer, text, status=status)
    if codes & _DOWN:
        raise Unavailable(peer, "FedEx says it is out of order")


def numbers_only(codes: Iterable[str]) -> bool:
    """Tell whether *codes* complain about a number, and not about us."""
    return any(code.startswith(_ABOUT_A_NUMBER) for code in codes)
