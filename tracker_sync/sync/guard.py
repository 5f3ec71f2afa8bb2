"""One bad item stays one bad item: a fault of ours in one of them does not end the pass."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import structlog

from tracker_sync.errors import StoreError, TrackerError
from tracker_sync.store import Store
from tracker_sync.sync.report import Report

T = TypeVar("T")

log = structlog.get_logger()


def safely(store: Store, report: Report, key: str, action: Callable[[], T]) -> T | None:
    """Do *action* for one item, inside a transaction; None where it failed unexpectedly.

    Its own writes are undone, the traceback is logged, a person is told once. What the action
    raises on purpose, and a database that cannot be used, come through.
    """

    def tell(exc: Exception) -> None:
        log.error("item.failed", key=key, exc_info=exc)
        what = key.replace(":", " ", 1)
        report.finding(key, f"{what} could not be handled; the log has the traceback")

    return _attempted(store, action, tell)


def together(store: Store, action: Callable[[], T]) -> T | None:
    """Do *action* for many items at once; None where one failed, so that each is to be done alone.

    All its writes are undone then. Nothing is told: whoever is to blame fails again, and alone.
    """
    return _attempted(store, action, lambda exc: log.debug("items.apart", exc_info=exc))


def _attempted(
    store: Store, action: Callable[[], T], failed: Callable[[Exception], None]
) -> T | None:
    try:
        with store.attempt():
            return action()
    except (StoreError, TrackerError):
        raise
    except Exception as exc:  # a fault of ours in what was done for one item
        failed(exc)
        return None
