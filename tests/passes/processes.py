"""Processes that start fast, because a server has imported everything."""

from __future__ import annotations

import multiprocessing
import os
from multiprocessing.context import ForkServerContext
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]


def ready_for(module: str) -> ForkServerContext:
    """Processes in which *module* is imported already."""
    os.environ["PYTHONPATH"] = os.pathsep.join((str(TESTS), str(TESTS.parent)))
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([module, "tracker_sync.carriers.ups"])
    return context
