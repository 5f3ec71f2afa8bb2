"""Metrics in Prometheus' text format, for the textfile collector of its node exporter.

Written beside the file under a name the collector does not read, and then renamed over it: nobody
ever reads half of one.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkstemp

import structlog

log = structlog.get_logger()

PREFIX = "tracker_sync_"
# The collector runs as another user, and there is nothing in it but counts.
_READABLE = 0o644
_NAME = re.compile(r"[a-z][a-z0-9_]*")


@dataclass(frozen=True, slots=True)
class Sample:
    """One value, with what tells it apart from others of its metric."""

    value: float
    labels: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Metric:
    """A metric with its samples; without samples it is left out."""

    name: str
    kind: str  # gauge or counter
    help: str
    samples: tuple[Sample, ...]


def gauge(name: str, help_: str, value: float | None) -> Metric:
    """A gauge of one value; None: it is not known, and left out."""
    samples = () if value is None else (Sample(value, {}),)
    return Metric(name, "gauge", help_, samples)


def table(name: str, help_: str, label: str, values: Iterable[tuple[str, float | None]]) -> Metric:
    """A gauge with a value for each of several things; None is left out."""
    known = [(each, value) for each, value in values if value is not None]
    samples = (Sample(value, {label: each}) for each, value in known)
    return Metric(name, "gauge", help_, tuple(samples))


def text(metrics: Iterable[Metric]) -> str:
    """The file's text."""
    return "".join(f"{line}\n" for metric in metrics for line in _lines(metric))


def _lines(metric: Metric) -> Iterator[str]:
    name = PREFIX + metric.name
    if not _NAME.fullmatch(name):
        raise ValueError(f"{name} is no name of a metric")
    if not metric.samples:
        return
    yield f"# HELP {name} {_escaped(metric.help)}"
    yield f"# TYPE {name} {metric.kind}"
    for sample in metric.samples:
        labels = ",".join(f'{key}="{_quoted(word)}"' for key, word in sample.labels.items())
        yield f"{name}{'{' + labels + '}' if labels else ''} {sample.value:.15g}"


def _escaped(words: str) -> str:
    return words.replace("\\", "\\\\").replace("\n", "\\n")


def _quoted(words: str) -> str:
    return _escaped(words).replace('"', '\\"')


def write(path: Path, metrics: Iterable[Metric]) -> None:
    """Put *metrics* into the file, whole or not at all; a failure is logged and that is all."""
    try:
        handle, name = mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
        draft = Path(name)
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(text(metrics))
            draft.chmod(_READABLE)
            draft.replace(path)
        finally:
            with suppress(FileNotFoundError):
                draft.unlink()
    except OSError as exc:
        log.warning("textfile.failed", why=exc.strerror or type(exc).__name__)
