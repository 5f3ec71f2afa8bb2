"""Carriers with pretended keys, recorded answers, and what they should read as."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import yaml
from pydantic import SecretStr

from tracker_sync.carriers import Carrier, discover
from tracker_sync.lifecycle import trace
from tracker_sync.model import Reading, State

SAMPLES = Path(__file__).resolve().parents[1] / "samples"
CARRIERS = discover()
# Deep inside a scalar of its own: found again in any text that leaks it.
MARK = "do-not-show"


def required(cls: type[Carrier]) -> dict[str, str]:
    """Return the least a merchant has to write for *cls*, each value marked as its own."""
    fields = cls.Config.model_fields
    return {name: f"{MARK}-{name}" for name, field in fields.items() if field.is_required()}


def secret_values(carrier: Carrier) -> list[str]:
    """Return what must not be seen anywhere outside a request."""
    values = (getattr(carrier.config, name) for name in type(carrier.config).model_fields)
    return [value.get_secret_value() for value in values if isinstance(value, SecretStr)]


def make(key: str, **settings: Any) -> Carrier:
    """Return the carrier *key* with pretended keys and *settings*."""
    cls = CARRIERS[key]
    return cls(cls.Config.model_validate({**required(cls), **settings}))


def sample_files(key: str | None = None) -> list[Path]:
    """Return every sample answer, or those of one carrier."""
    expects = sorted(SAMPLES.glob(f"{key or '*'}/*.expect.yaml"))
    return [answer_of(expect) for expect in expects]


def answer_of(expect: Path) -> Path:
    """Return the answer that stands beside *expect*."""
    name = expect.name.removesuffix(".expect.yaml")
    (answer,) = (path for path in expect.parent.glob(f"{name}.*") if path != expect)
    return answer


def expected(answer: Path) -> dict[str, Any]:
    """Return what the answer should read as."""
    text = answer.with_suffix(".expect.yaml").read_text(encoding="utf-8")
    found: dict[str, Any] = yaml.safe_load(text)
    return found


def of(number: str | None, readings: Sequence[Reading]) -> Reading:
    """Return the one reading of *number*; an answer may name other parcels, too."""
    (reading,) = (reading for reading in readings if reading.number == number)
    return reading


def ends(carrier: Carrier, reading: Reading) -> State:
    """Return where the history of *reading* ends, without the rule for first scans."""
    zone = ZoneInfo(carrier.zone)
    return trace(reading.scans, zone=zone, first_scan_rule=False).state


def facts(carrier: Carrier, reading: Reading) -> dict[str, Any]:
    """Return what the file beside a sample may say about the reading of it."""
    state = ends(carrier, reading)
    problems = sorted(state.problems)
    return {
        "number": reading.number,
        "status": state.status,
        "problem": problems[0] if len(problems) == 1 else problems or None,
        "detail": state.detail,
        "scans": len(reading.scans),
        "last_scan": reading.scans[-1].at if reading.scans else None,
        "unknown": sorted({scan.code for scan in reading.scans if scan.meaning is None}),
        "not_found": reading.not_found,
        "eta": reading.estimate and reading.estimate.day,
        "pickup": reading.pickup and reading.pickup.type,
    }
