"""What the statuses of a DPD order say, and when its "delivered" is not believed.

Five milestones are all that is published; StatusID is free-form. The last status belongs to the
milestone with the same StatusID, or stands for itself. Texts never make a status, but they can
cast doubt on one: DPD also calls "delivered" what lies in a parcel shop or is back at its sender.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime

from tracker_sync.carriers._dpd_answer import Step
from tracker_sync.carriers._text import doubtful
from tracker_sync.model import Meaning, Status

Meant = Callable[[str], Meaning | None]

UNNAMED = "LastStatusInfo"  # the code of a last status without a StatusID
_DELIVERED = "Delivered"
_SAME = {"DELIVERED": _DELIVERED}
# Inside of words, too: "Paketshops", "Versender".
_SHOP = re.compile(r"shop|pick.?up|abhol|abgeholt|locker|station|filiale", re.IGNORECASE)
_SENDER = re.compile(r"sender|shipper|retur|retour|zurück|rück(send|gabe|lauf)", re.IGNORECASE)


def coded(
    steps: Sequence[Step], *, complete: bool | None, meant: Meant
) -> list[tuple[str, datetime, str]]:
    """Return code, moment and text of each step that says when.

    The last status takes the place of its own milestone. *complete* False = the order says that it
    is not delivered as a whole.
    """
    reached = [step for step in steps if step.name]
    doubt = _doubt(steps, meant, complete=complete)
    delivered = f"{_DELIVERED}/{doubt}" if doubt else _DELIVERED
    found: dict[tuple[str, datetime], str] = {}
    for step in steps:
        code = step.name or _name(step, reached, meant)
        if step.at:
            key = (delivered if code == _DELIVERED else code, step.at)
            found[key] = step.text or found.get(key, "")
    return [(code, at, text) for (code, at), text in found.items()]


def _name(last: Step, reached: Iterable[Step], meant: Meant) -> str:
    """Name the last status after its milestone, unless its own word is listed as another."""
    word = _SAME.get(last.word, last.word)
    own = [step.name for step in reached if word and step.word == last.word]
    if own and meant(word) in (None, meant(own[-1])):
        return own[-1]
    return word or UNNAMED


def _doubt(steps: Sequence[Step], meant: Meant, *, complete: bool | None) -> str:
    """Return what speaks against "delivered", the most telling first; "" = nothing does."""
    told = [step for step in steps if step.name in (_DELIVERED, "")]
    if not any(step.name for step in told):
        return "not_reached"
    for word in filter(None, (step.word for step in told)):
        meaning = meant(word)
        if meaning is None or meaning.status is not Status.DELIVERED:
            return word
    hint = _hint(". ".join(step.text for step in told))
    return hint or ("incomplete" if complete is False else "")


def _hint(text: str) -> str:
    """Name what the texts of a delivery are about, if it may be another one."""
    if _SHOP.search(text):
        return "shop"
    if _SENDER.search(text):
        return "sender"
    return "unclear" if doubtful(text) else ""
