"""Who is told: e-mail addresses and phone numbers in one form, or not at all.

Reasons never hold the address or the number.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from tracker_sync.model import Recipient

_TOO_LONG = 100  # Klaviyo refuses addresses from here on
_DROPPED = {"example.com", "test.com"}  # Klaviyo answers 202 and forgets them
_RELAY = "the buyer's address is a marketplace relay; nobody is told"


def email(address: str) -> str:
    """Return *address* in the form we keep; ValueError says why it cannot be one."""
    if len(address) >= _TOO_LONG:
        raise ValueError(f"the e-mail address is longer than {_TOO_LONG - 1} characters")
    # Imported here, as below: only rows need them, and most passes find no file.
    from email_validator import EmailNotValidError, validate_email

    try:
        valid = validate_email(address.strip(), check_deliverability=False, allow_smtputf8=False)
    except EmailNotValidError:  # its texts quote the address
        raise ValueError("the e-mail address is not valid") from None
    if valid.ascii_domain in _DROPPED:
        raise ValueError("Klaviyo drops e-mail addresses of example.com and test.com")
    if len(valid.normalized) >= _TOO_LONG:
        raise ValueError(f"the e-mail address is longer than {_TOO_LONG - 1} characters")
    return valid.normalized


def phone(number: str, country: str = "") -> str:
    """Return *number* in E.164; *country* (ISO 3166) reads it where the country code is missing."""
    import phonenumbers

    try:
        parsed = phonenumbers.parse(number, country.upper() or None)
    except phonenumbers.NumberParseException:
        parsed = phonenumbers.PhoneNumber()
    if not phonenumbers.is_valid_number(parsed):
        raise ValueError("the phone number is not valid; write it as +49 …")
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)


@cache
def _relays() -> tuple[str, ...]:
    text = (files("tracker_sync.sources") / "relays.txt").read_text(encoding="utf-8")
    return tuple(line.strip() for line in text.splitlines() if line.strip() and line[0] != "#")


def is_relay(address: str) -> bool:
    """Whether a marketplace forwards mail for *address*; such a buyer is not ours to write to."""
    domain = f".{address.strip().rpartition('@')[2].lower().rstrip('.')}"
    return any(_under(domain, relay) for relay in _relays())


def _under(domain: str, relay: str) -> bool:
    if relay.endswith(".*"):
        return f".{relay[:-1]}" in domain
    return domain.endswith(f".{relay}")


def recipient(
    *,
    email: str = "",
    sms: str = "",
    external_id: str = "",
    consent: bool | None = None,
    country: str = "",
) -> tuple[Recipient, list[str]]:
    """Return who is told and, without any value, what was dropped and why.

    An unusable address never costs the shipment, and a phone is not missed beside a good one.
    Behind a marketplace relay nobody is told by any way: its rules forbid the phone as well.
    """
    if email and is_relay(email):
        return Recipient(consent=consent), [_RELAY]
    address, number, notes = _ways(email, sms, country)
    return Recipient(address, number, external_id.strip(), consent), notes


def _ways(address: str, number: str, country: str) -> tuple[str, str, list[str]]:
    notes: list[str] = []
    mail = call = ""
    try:
        mail = email(address) if address else ""
    except ValueError as exc:
        notes.append(str(exc))
    try:
        call = phone(number, country) if number else ""
    except ValueError as exc:
        notes += [] if mail else [str(exc)]
    return mail, call, notes
