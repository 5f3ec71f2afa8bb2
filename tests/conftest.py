"""What holds for every test: no network beyond this machine, nobody's configuration."""

from __future__ import annotations

import logging
import os
import socket
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

LOOPBACK = ("127.", "::1", "localhost", "::ffff:127.")
NOT_OURS = ("TRACKER_SYNC_", "STATE_DIRECTORY", "CREDENTIALS_DIRECTORY")


class WentOutside(BaseException):
    """A test tried to leave this machine; no code under test may take it for a network error."""


def pytest_configure() -> None:
    from hypothesis import settings

    settings.register_profile(
        "house", deadline=None, max_examples=60, print_blob=True, derandomize="CI" in os.environ
    )
    settings.load_profile("house")


def _stay_here(host: object) -> None:
    name = host.decode("ascii", "replace") if isinstance(host, bytes) else host
    if name and not str(name).startswith(LOOPBACK):
        raise WentOutside(f"a test wanted to reach {name}")


def _to_loopback(real: Callable[..., Any]) -> Callable[..., Any]:
    def call(self: socket.socket, *args: Any) -> Any:
        if self.family != socket.AF_UNIX:
            _stay_here(args[-1][0])  # the address is the last one, also of sendto
        return real(self, *args)

    return call


def _of_loopback(real: Callable[..., Any]) -> Callable[..., Any]:
    def getaddrinfo(host: object, *args: Any, **kwargs: Any) -> Any:
        _stay_here(host)
        return real(host, *args, **kwargs)

    return getaddrinfo


@pytest.fixture(autouse=True)
def _nobodys_log() -> None:
    """A command that set up the log in an earlier test says nothing about this one."""
    if "structlog" in sys.modules:
        sys.modules["structlog"].reset_defaults()


@pytest.fixture
def log_as_it_was() -> Iterator[None]:
    """What a command sets up in this process is taken back after the test."""
    import structlog

    root, hook = logging.getLogger(), sys.excepthook
    handlers, level = list(root.handlers), root.level
    yield
    logging.captureWarnings(capture=False)
    root.handlers, sys.excepthook = handlers, hook
    root.setLevel(level)
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()


@pytest.fixture(scope="session", autouse=True)
def _only_loopback() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name in ("connect", "connect_ex", "sendto"):
            patch.setattr(socket.socket, name, _to_loopback(getattr(socket.socket, name)))
        patch.setattr(socket, "getaddrinfo", _of_loopback(socket.getaddrinfo))
        yield


@pytest.fixture(scope="session", autouse=True)
def _nobodys_environment() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith(NOT_OURS)]:
            patch.delenv(name)
        yield


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of reference data beside the repository; the test is skipped without it."""
    folder = Path(__file__).resolve().parents[2] / "shared"
    if not folder.is_dir():
        pytest.skip("no reference data beside the repository")
    return folder
