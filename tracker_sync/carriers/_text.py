"""Carrier sentences made comparable: no markup, dates, signers or places, one spelling.

Nothing here is fuzzy. A text equals a listed one after its spelling is evened out, or it does not;
only what is known not to be wording (a date, the event's own place, a name after "signed by") goes.
Carriers repeat themselves, so what a sentence came to is remembered for a while.
"""

from __future__ import annotations

import html
import re
import unicodedata
from functools import lru_cache

LONGEST = 120  # characters of an unlisted code: long enough to read, short enough for YAML
_FAR_TOO_LONG = 1000  # characters no carrier's sentence has
_REMEMBERED = 2048  # sentences, about half a megabyte

_MARKUP = re.compile(r"<[^<>]*>")
_PLAIN = dict.fromkeys(map(ord, "\u00b4\u0060\u2018\u2019"), "'") | dict.fromkeys(
    range(0x2010, 0x2016), "-"
)
_DATE = re.compile(
    r"\b\d{1,2}\.\d{1,2}\.(?:\d{4}|\d{2})?|\b\d{4}-\d\d-\d\d\b|\b\d{1,2}/\d{1,2}/\d{2,4}\b"
    r"|\b\d{1,2}:\d\d(?::\d\d)?\b"
)
_EMAIL = re.compile(r"\S+@\S+")
_DATE_TAIL = re.compile(r"(?:[ ,]+(?:on|at|am|um|vom|the|den|uhr|#))*[ ,]+#(?: uhr)?$")
_PLACE_TAIL = re.compile(r"\s+in\s+[A-ZÄÖÜ][a-zäöüß]+(?:[ ,/-]+[A-ZÄÖÜ][\wäöüß]*)*\W*$")
_DASH = re.compile(r"\s*-\s*")
_LINKS = re.compile(r"(?:[ ,-]+(?:in|at|im))*[ ,-]*$")
_SIGNED = re.compile(
    r"((?:.* - )?(?:.*\bsigned (?:for )?by\b|(?:delivered|received|accepted|handed over|zugestellt"
    r"|übergeben|empfangen|unterschrieben|quittiert)\b[^:.]{0,20}(?=:))\s*:?)\s*(\S.*)",
    re.IGNORECASE | re.DOTALL,
)
_DOUBT = re.compile(
    r"\b(?:re-?turn\w*|retour\w*|zurück\w*|rück(?:gabe|sendung|versand)|sent back|sender|shipper"
    r"|absender\w*|not|nicht|no|unable|attempt\w*|fail(?:ed|ure)|refused|refusal|cancel\w*|storno"
    r"|storniert|wrong|incorrect|lost|destroyed|disposed|disposal|vernichtet|customs|zoll|pick"
    r"|picked|pick-?up|collect|collected|collection|abhol\w*|(?:paket|parcel)?-?shop"
    r"|service ?-?point|locker|\w*station|\w*filiale|post|office|outlet|agent|partner|carrier"
    r"|depot|terminal|warehouse|facility|hub|branch)\b"
)


@lru_cache(_REMEMBERED)
def shown(text: str) -> str:
    """Return *text* as it may be kept: no markup, no address, no name after "signed for by"."""
    text = _MARKUP.sub(" ", html.unescape(html.unescape(text[:_FAR_TOO_LONG])))
    text = _EMAIL.sub("#", " ".join(text.split()))
    signed = _SIGNED.fullmatch(text)
    return signed[1].rstrip() if signed and not doubtful(signed[2]) else text


@lru_cache(_REMEMBERED)
def doubtful(text: str) -> bool:
    """Whether *text* may say something else than "the recipient has it"."""
    return _DOUBT.search(plain(text).replace("_", " ")) is not None


@lru_cache(_REMEMBERED)
def plain(text: str) -> str:
    """Return *text* in one spelling; dates and times become #."""
    text = unicodedata.normalize("NFKC", text.translate(_PLAIN)).casefold()
    text = re.sub(r"(?<=\w)\.(?=[^\W\d])", ". ", _DATE.sub("#", text))
    return " ".join(text.split()).strip(" .,;:!")


@lru_cache(_REMEMBERED)
def spellings(text: str, place: str) -> tuple[tuple[str, bool], ...]:
    """Give the spellings to look *text* up by, and whether each says all that *text* says.

    The first is the one to remember it by. A listed text that ends in "…" stands for its first
    sentence, whatever follows.
    """
    whole = _DATE_TAIL.sub("", plain(text))
    kept = _without(whole, plain(place))
    first, more, _ = kept.partition(". ")
    sentence = ((first + "…", True),) if more else ()
    return ((kept, True), (whole, True), *sentence, (plain(_PLACE_TAIL.sub("", text)), False))


def _without(text: str, place: str) -> str:
    """Cut the event's own place off the end of *text*, as a whole or its first part."""
    for name in filter(None, (place, _DASH.split(place)[0], place.partition(",")[0])):
        spelt = r"\s*-\s*".join(map(re.escape, _DASH.split(name)))
        head = re.sub(rf"(?<=[ ,-]){spelt}$", "", text)
        if head != text:
            return _LINKS.sub("", head) or text
    return text
