"""Moved to tracker_sync.cli.assembly and tracker_sync.cli.rehearsal."""

from tracker_sync.cli.assembly import build, open_sources, open_store
from tracker_sync.cli.rehearsal import Rehearsal, rehearse

__all__ = ["Rehearsal", "build", "open_sources", "open_store", "rehearse"]
