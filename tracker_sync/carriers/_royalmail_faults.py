"""What Royal Mail complains about: our keys, itself, or a number.

Floor 2.
"""

from __future__ import annotations

from typing import Any

import httpx

from tracker_sync.errors import Rejected, Unavailable

ABSENT = frozenset({"E1142", "E1283", "E1284", "E1308"})  # not known, not tracked, nothing to tell
DOWN = "E1307"  # tracking is away for a while; comes as HTTP 200, too

_REFUSED = "keys refused: check client_id, client_secret and the app's plan for Tracking"


def away(peer: str) -> Unavailable:
    """The error for tracking that cannot be reached behind Royal Mail's own door."""
    return Unavailable(peer, f"tracking is away for a while ({DOWN})")


def faults_of(response: httpx.Response) -> set[str]:
    """Return the error codes of an answer; none where a gateway answers in HTML."""
    try:
        payload = response.json()
    except (ValueError, RecursionError):
        return set()
    match payload:
        case {"errors": [*errors]}:
            return {str(error.get("errorCode")) for error in errors if isinstance(error, dict)}
    return set()


def about_numbers(peer: str, response: httpx.Response) -> bool:
    """Tell whether a 400 is about the numbers; raise for our keys, and for Royal Mail itself."""
    codes, status = faults_of(response), response.status_code
    if DOWN in codes:
        raise away(peer)
    if status in (httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN):
        raise Rejected(peer, _REFUSED, status=status)
    return status == httpx.codes.BAD_REQUEST and not ABSENT.isdisjoint(codes)


def status_of(payload: Any) -> int:
    """Return the HTTP status of an error body; KeyError where it is no error."""
    status = int(payload["httpCode"])
    if status < httpx.codes.BAD_REQUEST:
        raise KeyError("mailPieces")
    return status
