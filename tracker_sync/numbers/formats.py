"""Every form of a tracking number we know, the house that gives it, and how much it says.

A check digit that holds gives the form its full strength and no more, because it lets too many
strangers through: twelve digits that hold as DHL's identcode may still be GLS's, which has no
check, so the two are equals. One that is wrong costs nearly two strengths and rejects nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import IntEnum

from tracker_sync.numbers import checks

# Against a rival of the next strength a wrong check loses, against one two below it does not.
_FAILED = 35
_S10 = re.compile(r"[A-Z]{2}[0-9]{9}([A-Z]{2})")
# The suffix names the post that took the parcel in, also where another one delivers it.
_POSTS = {
    "AT": "austrian_post",
    "AU": "australiapost",
    "BE": "bpost",
    "CA": "canadapost",
    "CH": "swiss_post",
    "CN": "china_post",
    "DE": "dhl",
    "DK": "postnord_dk",
    "ES": "correos",
    "FR": "laposte",
    "GB": "royalmail",
    "IE": "an_post",
    "IT": "poste_italiane",
    "JP": "japan_post",
    "NL": "postnl",
    "NO": "bring",
    "NZ": "new_zealand_post",
    "PT": "ctt",
    "SE": "postnord",
    "SG": "singapore_post",
    "US": "usps",
}
# Express (E) and parcels (C) from Great Britain; Royal Mail does not find them.
_PARCELFORCE = re.compile(r"[CE].*GB")


class Strength(IntEnum):
    """How much the form alone says."""

    NAMED = 100  # nobody else writes this
    LEADING = 80  # its beginning is the house's, others use it sometimes
    BARE = 60  # a count of digits, the house's usual one
    RARE = 40  # a form the house gives seldom, or one too loose to say much


@dataclass(frozen=True, slots=True)
class Sign:
    """What one form of one house says about a number."""

    brand: str
    score: int
    why: str


@dataclass(frozen=True, slots=True)
class _Format:
    brand: str
    strength: Strength
    form: re.Pattern[str]
    name: str
    holds: Callable[[str], bool] | None = None

    def sign(self, number: str) -> Sign:
        """Judge a number of this form."""
        strength = int(self.strength)
        if self.holds is None:
            return Sign(self.brand, strength, f"{self.name}, without a check digit")
        if self.holds(number):
            return Sign(self.brand, strength, f"{self.name}, the check digit holds")
        return Sign(self.brand, strength - _FAILED, f"{self.name}, the check digit is wrong")


def signs(number: str) -> Iterator[Sign]:
    """Everything that the forms say about a normalised number."""
    if post := _S10.fullmatch(number):
        # Looser forms fit it too (DHL eCommerce, La Poste); the UPU's says more than they do.
        yield from _postal(number, post[1])
        return
    for each in _FORMATS:
        if each.form.fullmatch(number):
            yield each.sign(number)


def _postal(number: str, country: str) -> Iterator[Sign]:
    post = "parcelforce" if _PARCELFORCE.fullmatch(number) else _POSTS.get(country)
    if post:
        name = f"an international post number of {country}"
        yield _Format(post, Strength.NAMED, _S10, name, checks.s10).sign(number)


def _forms() -> Iterator[_Format]:
    for strength, rows in _TABLE.items():
        for brand, form, name, holds in rows:
            yield _Format(brand, strength, re.compile(form), name, holds)


_TABLE: dict[Strength, tuple[tuple[str, str, str, Callable[[str], bool] | None], ...]] = {
    Strength.NAMED: (
        ("dhl", "00340[0-9]{15}", "00340 and 15 digits", checks.gs1),
        ("dhl", "JJD[0-9]{18}", "JJD and 18 digits", None),
        ("dhl", "JVGL[0-9]{20}", "JVGL and 20 digits", None),
        ("ups", "1Z[0-9A-Z]{16}", "1Z and 16 characters", checks.ups),
        ("fedex", "96[0-9]{20}", "96 and 20 digits", checks.gs1_of_the_last_fifteen),
        ("fedex", "96[0-9]{32}", "96 and 32 digits", checks.fedex_label),
        ("hermes", "H[0-9]{19}", "H and 19 digits", None),
        ("bpost", "3232[0-9]{20}", "3232 and 20 digits", None),
    ),
    Strength.LEADING: (
        # UPS, DHL and FedEx hand parcels to USPS under 92 and 93 numbers: see RARE. USPS knows
        # those too, so it is the better guess.
        ("usps", "9[1-5][0-9]{20}(?:[0-9]{4}){0,3}", "91 to 95 and digits", checks.gs1),
        # The ZIP stays on before 26 digits: intake drops it before 22 only.
        ("usps", "420[0-9]{5}9[1-5][0-9]{24}", "420, a ZIP and 26 digits", checks.gs1_after_a_zip),
        ("ups", "[AHJKTV][0-9]{10}", "a waybill's letter and 10 digits", checks.ups),
        # Pieces; 18 digits after JJD are DHL's parcels, which are named.
        ("dhl_express", "J[A-Z]{2,3}[0-9]{9,18}", "J, letters and digits", None),
        ("postnl", "2S[0-9A-Z]{8,}", "2S and a customer's code", None),
        # DHL in the Netherlands writes 3S as PostNL does, and neither has a check.
        ("postnl", "3S[0-9A-Z]{8,}", "3S and a customer's code", None),
        ("dhl", "3S[0-9A-Z]{8,}", "3S and a customer's code", None),
        (
            "dhl",
            "(?:GM|LX|RX|UV|CN|SG|TH|IN|HK|MY)(?=(?:[A-Z]*[0-9]){6})[0-9A-Z]{12,38}",
            "DHL eCommerce's two letters",
            None,
        ),
    ),
    Strength.BARE: (
        ("dhl_express", "[0-9]{10}", "10 digits", checks.mod7),
        ("gls", "[0-9]{11,12}", "11 or 12 digits", None),
        ("dhl", "[0-9]{12}", "12 digits", checks.identcode),
        ("fedex", "[0-9]{12}", "12 digits", checks.fedex_express),
        ("dpd", "[0-9]{14}", "14 digits", None),
        ("hermes", "[0-9]{14}", "14 digits", None),
        ("dpd", "[0-9]{14}[0-9A-Z]", "14 digits and a check character", checks.mod37),
        ("fedex", "[0-9]{15}", "15 digits", checks.gs1),
        ("canadapost", "[0-9]{16}", "16 digits", checks.gs1),
        ("evri", "(?=(?:[A-Z]*[0-9]){8})[0-9A-Z]{16}", "16 characters", None),
        # No number holds as both of the next: the digits before them shift the sum differently.
        ("usps", "[0-9]{20}", "20 digits", checks.gs1_of_a_postal_short_form),
        ("fedex", "[0-9]{20}", "20 digits", checks.gs1_of_fedex_economy),
        ("hermes", "[0-9]{20}", "20 digits", None),
        ("inpost", "[0-9]{24}", "24 digits", None),
        ("fedex", "3[0-9]{31}", "3 and 31 digits", checks.fedex_express_inside),
        ("fedex", "[0-8][0-9]{33}", "34 digits", checks.fedex_label),
    ),
    Strength.RARE: (
        ("gls", "(?=[A-Z]*[0-9])[0-9A-Z]{8}", "8 characters", None),
        ("evri", "[0-9]{8}", "8 digits", None),
        ("dhl_express", "[0-9]{11}", "11 digits", checks.mod7),
        ("dhl", "[0-9]{11}", "11 digits", None),
        ("laposte", "(?=.*[0-9])(?=.*[A-Z])[0-9A-Z]{11,15}", "11 to 15 characters", None),
        # DHL eCommerce of other countries; the usual 14 digits are DPD's and Hermes's.
        ("dhl", "[0-9]{14}", "14 digits", None),
        ("fedex", "0[0124][0-9]{16}", "18 digits of a container", checks.gs1_of_the_last_sixteen),
        ("ups", "9[23][0-9]{20}(?:[0-9]{4})?", "a number of USPS that others hand over", None),
        ("dhl", "9[23][0-9]{20}(?:[0-9]{4})?", "a number of USPS that others hand over", None),
        ("fedex", "9[23][0-9]{20}(?:[0-9]{4})?", "a number of USPS that others hand over", None),
        ("dpd", "[0-9A-Z]{8}[0-9]{20}", "28 characters of a label", None),
    ),
}
_FORMATS = tuple(_forms())
