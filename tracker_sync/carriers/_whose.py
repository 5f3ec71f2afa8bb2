"""Whose history an answer is: not that of the number asked, where it names another one.

Floor 2. A carrier may spell a number otherwise (check digit, prefix, the number of the whole
shipment), so a name of another form says nothing; one of the very same form is somebody else's.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence


def whose(named: str | None, asked: Sequence[str]) -> str | None:
    """Return the one number asked, unless the answer names a stranger; None where nobody does."""
    if asked and not strange(named, asked[0]):
        return asked[0]
    return named or None


def strange(named: str | None, asked: str | None) -> bool:
    """Tell whether *named* is another number of the very same form."""
    ours, theirs = _plain(asked), _plain(named)
    return ours != theirs and _form(ours) == _form(theirs)


def stranger(names: Collection[str], asked: str | None) -> bool:
    """Tell whether *names* are all those of somebody else: one is strange, and none is ours."""
    ours = any(_plain(name) == _plain(asked) for name in names)
    return not ours and any(strange(name, asked) for name in names)


def _plain(number: str | None) -> str:
    return re.sub(r"[\W_]", "", number or "").upper()


def _form(number: str) -> str:
    return re.sub(r"[^\W\d]", "A", re.sub(r"\d", "9", number))
