"""Which brand a tracking number may belong to, by its form and its check digit.

This proposes, where a feed names no courier. A proposal that is wrong costs more than none: the
parcel is then asked about at a house that never finds it. So equals are not guessed between.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass

from tracker_sync.numbers.formats import signs

# What people and spreadsheets put between the digits; the same as intake takes out.
_IGNORED = re.compile(r"[\s.\-\u2010-\u2015\u200b\u200e\ufeff]")
_USPS_ZIP = re.compile(r"420(?:[0-9]{5}|[0-9]{9})(9[1-5][0-9]{20})")
_ZEROS_LOST = re.compile(r"340[0-9]{15}")


@dataclass(frozen=True, slots=True)
class Candidate:
    """A brand that may have given a number; the higher the score, the likelier."""

    brand: str
    score: int
    why: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """The brand proposed, or None: between *rivals* nothing decides; without any, none fits."""

    brand: str | None
    rivals: tuple[str, ...] = ()


def normalised(number: str) -> str:
    """Return *number* as its form is read; for looking only, never to store or to ask about."""
    plain = _IGNORED.sub("", number.upper())
    if zip_prefixed := _USPS_ZIP.fullmatch(plain):
        return zip_prefixed[1]
    # Spreadsheets eat the zeros of DHL's 00340…; no other house's 18 digits begin like this.
    return f"00{plain}" if _ZEROS_LOST.fullmatch(plain) else plain


def candidates(number: str) -> tuple[Candidate, ...]:
    """Return every brand whose form *number* has, best first, each with its best reason."""
    best: dict[str, Candidate] = {}
    for sign in signs(normalised(number)):
        if sign.brand not in best or sign.score > best[sign.brand].score:
            best[sign.brand] = Candidate(sign.brand, sign.score, sign.why)
    return tuple(sorted(best.values(), key=lambda found: (-found.score, found.brand)))


def detect(number: str, among: Collection[str], prefer: str = "") -> Verdict:
    """Propose one of the brands *among*; *prefer* decides between equals and nothing else."""
    fitting = [found for found in candidates(number) if found.brand in among]
    equals = tuple(found.brand for found in fitting if found.score == fitting[0].score)
    if len(equals) == 1:
        return Verdict(equals[0])
    if prefer in equals:
        return Verdict(prefer)
    return Verdict(None, equals)
