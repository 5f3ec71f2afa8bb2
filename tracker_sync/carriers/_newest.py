"""Which of several readings of one number counts: carriers use their numbers again.

Floor 2.
"""

from __future__ import annotations

from datetime import UTC, datetime

from tracker_sync.model import Reading


def age(reading: Reading) -> tuple[int, datetime]:
    """Order readings of one number: anything known beats nothing, then the newest scan counts.

    "Could not say" beats "not found", which would be a statement about all of them.
    """
    known = 0 if reading.not_found else 1 if reading.unanswered else 2
    return known, reading.scans[-1].at if reading.scans else datetime.min.replace(tzinfo=UTC)
