"""One deadline for a whole call: what is left of it bounds every wait."""

from __future__ import annotations

import threading
from collections.abc import Callable


class Deadline(threading.local):
    """When the call of this thread must be over, on the clock handed in."""

    at = float("inf")

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic

    def set(self, seconds: float) -> None:
        """Start a call that may take *seconds*."""
        self.at = self._monotonic() + seconds

    def left(self) -> float:
        """Seconds that are left; negative when it is over."""
        return self.at - self._monotonic()

    def cut(self, timeout: float | None, error: type[Exception]) -> float:
        """Return *timeout*, shortened to what is left; raise *error* when nothing is."""
        left = self.left()
        if left <= 0:
            raise error
        return left if timeout is None else min(timeout, left)
