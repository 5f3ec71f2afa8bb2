"""A pretended world for every test of whole passes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from passes.world import World, world


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    structlog.configure(processors=[structlog.dev.ConsoleRenderer()], logger_factory=_Silent)
    yield
    structlog.reset_defaults()


def _Silent(*_args: object) -> structlog.testing.ReturnLogger:  # noqa: N802
    return structlog.testing.ReturnLogger()


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[World]:
    """A shop with UPS."""
    with world(tmp_path) as made:
        yield made
