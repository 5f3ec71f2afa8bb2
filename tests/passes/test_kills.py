"""Real passes are killed at random moments; the long form is `python tests/kills`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from kills.trial import Plan, trial


@pytest.mark.timeout(300)
def test_processes_killed_at_any_moment_lose_and_double_nothing(tmp_path: Path) -> None:
    plan = Plan(kills=12, parcels=24, seed=4, days=1, hours=(9, 17), quiet=(12,))

    verdict = trial(plan, tmp_path)

    assert verdict.good, json.dumps(verdict.told(), indent=2)
    assert verdict.kills == plan.kills
    assert verdict.expected > 50
