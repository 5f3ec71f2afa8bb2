"""Where one of La Poste's codes covers several things, its label tells which."""

from __future__ import annotations

import re

from tracker_sync.carriers._text import plain

_FAILED = (
    r"pas pu|impossible|absen[ct]|avis de passage|(?:nouvelle|seconde|deuxi[eè]me) pr[eé]sentation"
    r"|could not|couldn't|unable|failed"
)
_WAITING = (
    r"attente de (?:sa )?pr[eé]sentation|(?:sera|va [eê]tre) pr[eé]sent[eé]e?\b"
    r"|(?:awaiting|waiting for) (?:its )?(?:presentation|delivery)|will be presented"
)
_SENDER = (
    r"(?:livr|distribu|remis|retourn|rendu)\w*[^.,]{0,25} (?:à|a) (?:l'|son |votre )?exp[eé]diteur"
    r"|(?:delivered|returned|handed)(?: back)? to (?:the |its )?sender"
)
# Code, what is added to it, and the words that tell; the first that fits counts.
_NUANCES = tuple(
    (code, nuance, re.compile(words))
    for code, nuance, words in (
        ("EP1", "failed", _FAILED),
        ("EP1", "waiting", _WAITING),
        ("DI0", "sender", _SENDER),
        ("DI1", "sender", _SENDER),
        ("DI1", "neighbour", r"(?:à|au|votre|un|une) (?:votre )?voisine?\b|\bneighbou?r\b"),
        ("DI1", "mailbox", r"bo[iî]te (?:aux|à|a) lettres?|\b(?:letter|mail) ?box\b"),
    )
)


def keyed(code: str, label: str) -> str:
    """Return *code* with what its *label* adds to it, where that matters."""
    words = plain(label)
    found = (name for of, name, pattern in _NUANCES if of == code and pattern.search(words))
    nuance = next(found, "")
    return f"{code}/{nuance}" if nuance else code
