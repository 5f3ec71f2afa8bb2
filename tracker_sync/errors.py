"""Everything this package raises, as a tree.

* TrackerError
  x UserError              the merchant can fix it; shown without a traceback, exit 2
    + StoreError           the database cannot be used: foreign, unreadable, full, other shop
  x Busy                   another pass holds the database; exit 75
  x CallError              an HTTP call failed; .permanent, .text holds no secret
    + Rejected             our credentials or our request: permanent
    + Throttled            .retry_after (seconds), None where the other side did not say
    + Unavailable          the other side is down, slow or cut off: try later
    + Unreadable           the answer is not the shape we know
"""

from __future__ import annotations

from collections.abc import Sequence


class TrackerError(Exception):
    """Base of every exception of this package."""


class UserError(TrackerError):
    """The merchant can fix this. Shown as text, all problems at once, never as a traceback."""

    def __init__(self, message: str, problems: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.problems = tuple(problems)

    def __str__(self) -> str:
        lines = (f"  {problem}" for problem in self.problems)
        return "\n".join((super().__str__(), *lines))


class StoreError(UserError):
    """The database cannot be used; the message says which file and what to do."""


class Busy(TrackerError):
    """Another pass holds the lock of this database."""


class CallError(TrackerError):
    """A call to a carrier, a source or Klaviyo failed."""

    permanent = False

    def __init__(self, peer: str, text: str) -> None:
        super().__init__(f"{peer}: {text}")
        self.peer = peer
        self.text = text


class Rejected(CallError):
    """Our credentials or our request are wrong; the same call again cannot help."""

    permanent = True

    def __init__(self, peer: str, text: str, *, status: int | None = None) -> None:
        super().__init__(peer, text)
        self.status = status


class Throttled(CallError):
    """We asked too often; `retry_after` in seconds, None where the other side did not say."""

    def __init__(self, peer: str, retry_after: float | None = None) -> None:
        super().__init__(peer, "too many requests")
        self.retry_after = retry_after


class Unavailable(CallError):
    """The other side is down, slow or cut the line; try later.

    `reached` is False where the request certainly never got there.
    """

    def __init__(self, peer: str, text: str, *, reached: bool = True) -> None:
        super().__init__(peer, text)
        self.reached = reached


class Unreadable(CallError):
    """The answer is not the shape we know."""
