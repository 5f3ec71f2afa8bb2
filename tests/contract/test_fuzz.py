"""A short run of the fuzz, for every carrier; `python tests/fuzz` is the long one."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from random import Random

import pytest

from contract.samples import CARRIERS, sample_files
from fuzz.judge import attempt, unjustified
from fuzz.mutate import mutated
from fuzz.trees import tree
from fuzz.trial import Outcome, trial
from tracker_sync.model import Status

REPO = Path(__file__).resolve().parents[2]
SHORT = 200

every_carrier = pytest.mark.parametrize("key", sorted(CARRIERS))


@every_carrier
def test_a_mutated_answer_never_crashes_and_never_says_what_its_codes_do_not(key: str) -> None:
    outcome = Outcome(key)

    tried = sum(1 for _ in trial(key, SHORT, 1, outcome))

    assert tried == SHORT
    assert outcome.failures == []


def test_the_same_seed_makes_the_same_answers() -> None:
    sample = tree(sample_files("gls")[0])

    bodies = [mutated(sample, "gls", Random(seed)) for seed in (7, 7, 8)]

    assert bodies[0] == bodies[1] != bodies[2]


@every_carrier
def test_a_status_out_of_nothing_would_be_seen(key: str) -> None:
    """The judge is awake: a delivery that stands nowhere in an answer is not justified."""
    delivered = next(path for path in sample_files(key) if path.stem == "delivered")

    found = unjustified(key, b"", [], attempt(key, delivered.read_bytes()))

    assert Status.DELIVERED in {scan.status for scan in found}


@pytest.mark.parametrize("call", [["-m", "tests.fuzz"], ["tests/fuzz"]])
def test_the_long_run_starts_both_ways(call: list[str]) -> None:
    options = ["--carrier", "gls", "--count", "5"]

    run = subprocess.run(
        [sys.executable, *call, *options], cwd=REPO, capture_output=True, text=True, check=True
    )

    assert "gls" in run.stdout
