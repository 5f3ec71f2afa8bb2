"""`tracker-sync read CARRIER FILE`: what a recorded answer says, without network, keys or database.

Floor 4. For people who hold an answer in their hands and want to know what we make of it.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import IO, Any
from zoneinfo import ZoneInfo

import click

from tracker_sync import carriers, lifecycle
from tracker_sync.carriers import Carrier
from tracker_sync.cli import common
from tracker_sync.cli.offers import needed
from tracker_sync.errors import CallError, Unreadable, UserError
from tracker_sync.model import Problem, Reading, Scan
from tracker_sync.plain import plain_json
from tracker_sync.settings.words import suggestion
from tracker_sync.store import stamp


@common.command("read")
@click.argument("carrier")
@click.argument("file", type=click.File("rb"))
def command(carrier: str, file: IO[bytes]) -> None:
    """Print what a recorded answer of CARRIER says, as JSON.

    FILE is the body of one HTTP answer, "-" is standard input. CARRIER is a key that `tracker-sync
    carriers` lists. The output is an array with one entry for each number in the answer.
    """
    found = [entry(_opened(carrier), reading) for reading in readings(carrier, file)]
    text = json.dumps(found, ensure_ascii=False, indent=2)
    click.echo(plain_json(text).encode())


def readings(carrier: str, file: IO[bytes]) -> list[Reading]:
    """Read an answer; UserError where it is an error, or no answer of that carrier at all."""
    opened, name = _opened(carrier), getattr(file, "name", "")
    name = "standard input" if name in ("", "-", "<stdin>") else name
    try:
        found = opened.decode_body(file.read(), [])
    except Unreadable as exc:
        raise UserError(f"{name} is no answer of {carrier}: {exc.text}") from exc
    except CallError as exc:
        raise UserError(f"{name} is an error of {carrier}: {exc.text}") from exc
    return found or [Reading(None, not_found=True)]


def _opened(key: str) -> Carrier:
    """A carrier without keys: reading needs none."""
    known = carriers.discover()
    if key not in known:
        hint = suggestion(key, known) or "; `tracker-sync carriers` lists them"
        raise UserError(f"{key} is not a carrier we know{hint}")
    # A carrier may look at its keys when it is made.
    blank: dict[str, Any] = dict.fromkeys(needed(known[key]), "")
    return known[key](known[key].Config.model_construct(**blank))


def entry(carrier: Carrier, reading: Reading) -> dict[str, Any]:
    """What is said about one number: where its history ends, and the history itself."""
    zone = ZoneInfo(carrier.zone)
    traced = lifecycle.trace(reading.scans, zone=zone, first_scan_rule=False)
    state, unknown = traced.state, [s.code for s in reading.scans if s.meaning is None]
    return {
        "number": reading.number,
        "status": state.status,
        "problem": _newest_problem(traced),
        "detail": state.detail,
        "occurred_at": _spelt(state.status_at),
        "eta": reading.estimate.day.isoformat() if reading.estimate else None,
        "scans": [_scan(scan) for scan in reading.scans],
        "unknown": list(dict.fromkeys(unknown)),
        "not_found": reading.not_found,
    }


def _newest_problem(traced: lifecycle.Trace) -> Problem | None:
    """The open problem that was opened last."""
    opened = [t.word for t in traced.transitions if isinstance(t.word, Problem)]
    return next((word for word in reversed(opened) if word in traced.state.problems), None)


def _scan(scan: Scan) -> dict[str, Any]:
    return {
        "at": _spelt(scan.at),
        "status": scan.status,
        "problem": scan.problem,
        "code": scan.code,
        "text": scan.text,
        "place": scan.place,
    }


def _spelt(moment: datetime | None) -> str | None:
    return stamp(moment) if moment else None
