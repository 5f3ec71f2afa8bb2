"""One carrier, many mutated answers: what came of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random

from contract.samples import sample_files
from fuzz.judge import attempt, unjustified, walk
from fuzz.mutate import mutated
from fuzz.trees import tree
from tracker_sync.errors import CallError

KEPT = 5  # failures a carrier that are kept to be looked at


@dataclass
class Outcome:
    """How often what came of it, and the failures: what went wrong, with the answer."""

    key: str
    counts: Counter[str] = field(default_factory=Counter)
    failures: list[tuple[str, bytes]] = field(default_factory=list)

    def failed(self, kind: str, what: str, body: bytes) -> None:
        self.counts[kind] += 1
        if len(self.failures) < KEPT:
            self.failures.append((f"{kind}: {what}", body))


def trial(key: str, count: int, seed: int, outcome: Outcome) -> Iterator[None]:
    """Try *count* mutated answers of a carrier, and say after each that it was tried."""
    random = Random(f"{key} {seed}")
    samples = [(tree(answer), attempt(key, answer.read_bytes())) for answer in sample_files(key)]
    for _ in range(count):
        sample, before = random.choice(samples)
        body = mutated(sample, key, random)
        try:
            after = attempt(key, body)
            walk(key, after if isinstance(after, list) else ())
        except Exception as exc:  # any other exception is what we are looking for
            outcome.failed("crash", repr(exc), body)
        else:
            outcome.counts[_named(after)] += 1
            for scan in unjustified(key, body, before, after):
                outcome.failed("false status", f"{scan.status} for {scan.code!r}", body)
        yield


def _named(after: object) -> str:
    return type(after).__name__ if isinstance(after, CallError) else "read"
