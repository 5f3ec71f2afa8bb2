"""Threads that talk to one peer, each with a client of its own, all at one pace."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from tracker_sync.sync.house import House
from tracker_sync.wire import Limits, Pacer, Wire

T = TypeVar("T")


class Workers:
    """A few threads for calls to one peer; nothing starts before the first call."""

    def __init__(
        self, house: House, peer: str, count: int, *, seconds: float, per_second: float | None
    ) -> None:
        self._house = house
        self._peer = peer
        self._count = count
        # No call may reach into the last word of a pass.
        self._limits = Limits(min(seconds, house.bounds.last_word))
        self._pacer = Pacer(per_second, house.timer)
        self._local = threading.local()
        self._wires: list[Wire] = []
        self._executor: ThreadPoolExecutor | None = None

    def submit(self, call: Callable[[Wire], T]) -> Future[T]:
        """Let a thread make *call* with its own client."""
        if self._executor is None:
            self._executor = ThreadPoolExecutor(self._count, thread_name_prefix=self._peer)
        return self._executor.submit(lambda: call(self._wire()))

    def close(self, *, wait: bool) -> None:
        """Cancel what has not begun, and give the connections back."""
        if self._executor:
            self._executor.shutdown(wait=wait, cancel_futures=True)
        for wire in self._wires:
            wire.close()

    def _wire(self) -> Wire:
        wire: Wire | None = getattr(self._local, "wire", None)
        if wire is None:
            wire = self._house.wire(self._peer, limits=self._limits, pacer=self._pacer)
            self._local.wire = wire
            self._wires.append(wire)
        return wire
