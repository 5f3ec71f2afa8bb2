"""What DHL Parcel DE's response codes ask of us; they come with HTTP 200."""

from __future__ import annotations

from tracker_sync.errors import Rejected, Unavailable, Unreadable

FINE = "0"
NOT_FOUND = frozenset({"41", "57", "61", "64", "100", "200"})  # none, none yet, or mistyped
READABLE = NOT_FOUND | {FINE}
LOGIN = frozenset({"5", "6"})
GATEWAY = "api_key or api_secret is refused: compare both with the app at developer.dhl.com"
_TECHNICAL = frozenset({"-1000", "-3", "-2", "-1", "63"})
_REFUSED = {
    "5": "appname or password is refused (code 5). Asking stops, because every failed login "
    "brings the user closer to being locked: correct both (technical user of the business portal)",
    "6": "too many failed logins (code 6). Asking stops, or DHL locks the user: have it released "
    "or give it a new password in the business portal, then correct appname and password",
    "45": "DHL saw no number in the question (code 45): please report this",
    "58": "DHL misses the customer number (code 58): use a user of your own business portal",
    "59": "DHL saw no number in the question (code 59): please report this",
    "60": "DHL saw two kinds of numbers in the question (code 60): please report this",
    "62": "this user may not ask (code 62): allow it tracking in the business portal",
}


def check(peer: str, code: str) -> None:
    """Raise for a code that stands for the whole answer; return if there is something to read."""
    if code in READABLE:
        return
    if code in _REFUSED:
        raise Rejected(peer, _REFUSED[code])
    if code in _TECHNICAL:
        raise Unavailable(peer, f"DHL has a technical problem (code {code})")
    raise Unreadable(peer, "the answer has a response code that is not listed")
