"""Answers whose form is right and whose content is not: what carriers do on bad days."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from types import MappingProxyType

from tracker_sync.sandbox.faults import Trouble
from tracker_sync.sandbox.lives import Entry, Life, tells_delivery

Lives = Mapping[str, Life]
_STALE = timedelta(hours=12)


def twisted(
    trouble: Trouble,
    known: Lives,
    dice: random.Random,
    *,
    now: datetime,
    strangers: Sequence[Life] = (),
) -> dict[str, Life] | None:
    """Return what is told instead of *known*, by the number asked; None where it is the same.

    *strangers* are parcels nobody asked about.
    """
    if trouble is Trouble.FLAPPING:
        return _flapping(known, dice, now)
    if trouble is Trouble.SWAPPED:
        return _swapped(known, strangers, dice)
    twist = _TWISTS[trouble]
    told = {
        number: replace(life, entries=tuple(twist(life, dice))) for number, life in known.items()
    }
    return told if told != known else None


def _swapped(
    known: Lives, strangers: Sequence[Life], dice: random.Random
) -> dict[str, Life] | None:
    """Let one of the parcels be another one, inner number and all."""
    if not known or not strangers:
        return None
    return {**known, dice.choice(sorted(known)): dice.choice(strangers)}


def _repeated(life: Life, dice: random.Random) -> Sequence[Entry]:
    return [entry for entry in life.entries for _ in range(dice.randint(1, 3))]


def _reordered(life: Life, dice: random.Random) -> Sequence[Entry]:
    return dice.sample(life.entries, len(life.entries))


def _flapping(known: Lives, dice: random.Random, now: datetime) -> dict[str, Life] | None:
    """Tell what was told some time ago, as a cache does that is not up to date."""
    then = now - _STALE * dice.random()
    told = {number: life.until(then) for number, life in known.items()}
    stale = {number: life for number, life in told.items() if life.entries}
    return stale if stale and stale != known else None


def _withdrawn(life: Life, dice: random.Random) -> Sequence[Entry]:
    rest = [entry for entry in life.entries if not tells_delivery(life.carrier, entry)]
    return rest or life.entries


_TWISTS: Mapping[Trouble, Callable[[Life, random.Random], Sequence[Entry]]] = MappingProxyType(
    {
        Trouble.REPEATED: _repeated,
        Trouble.REORDERED: _reordered,
        Trouble.WITHDRAWN: _withdrawn,
    }
)
