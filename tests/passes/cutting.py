"""A process whose machine loses its power in the middle of a pass."""

from __future__ import annotations

import sys
from pathlib import Path

from passes.crashing import one_pass

LOG = "shop.db-wal"


def cut_pass(folder: str, now: str, dies_at: int) -> None:
    """Run a pass that dies at a step; what of the log is surely on the disk by then is noted.

    Beyond what it was asked to write at once a disk may have lost everything.
    """

    def watch(event: str, arguments: tuple[object, ...]) -> None:
        if event == "open" and str(arguments[0]).endswith(LOG):
            Path(folder, "certain").write_text(str(Path(folder, LOG).stat().st_size))

    sys.addaudithook(watch)
    one_pass(folder, now, dies_at)


def lose_the_rest(folder: Path) -> None:
    """Leave of the database what the disk had for certain."""
    note, log = folder / "certain", folder / LOG
    certain = int(note.read_text()) if note.exists() else 0
    note.unlink(missing_ok=True)
    (folder / "shop.db-shm").unlink(missing_ok=True)
    if log.exists() and certain:
        with log.open("r+b") as file:
            file.truncate(certain)
    else:
        log.unlink(missing_ok=True)
