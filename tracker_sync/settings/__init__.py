"""One YAML file and the environment, checked before anything runs.

Floor 3. The only package that reads the environment. Errors name file, line and key, all at once,
and never a value. Carriers and sources bring their own keys.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tracker_sync import carriers as carrier_files
from tracker_sync import sources as source_files
from tracker_sync.carriers import Carrier
from tracker_sync.errors import UserError
from tracker_sync.settings.blocks import (
    Basis,
    FollowUp,
    Items,
    Links,
    Messages,
    Monitoring,
    Onboarding,
    Polling,
    Retention,
    Settings,
    Shop,
)
from tracker_sync.settings.cautions import warnings
from tracker_sync.settings.document import Document, read
from tracker_sync.settings.draft import Draft
from tracker_sync.settings.environment import CONFIG, override
from tracker_sync.settings.fill import Fill
from tracker_sync.settings.shape import whole
from tracker_sync.sources import Source

__all__ = [
    "Basis",
    "FollowUp",
    "Items",
    "Links",
    "Messages",
    "Monitoring",
    "Onboarding",
    "Polling",
    "Retention",
    "Settings",
    "Shop",
    "example",
    "find",
    "load",
    "warnings",
]

_DEFAULT = Path("config/tracker-sync.yaml")
_EXAMPLE = Path(__file__).parents[1] / "example.yaml"


def find(option: Path | None, environ: Mapping[str, str] | None = None) -> Path:
    """Return the file to use: --config, else $TRACKER_SYNC_CONFIG, else the usual place."""
    environ = os.environ if environ is None else environ
    named = environ.get(CONFIG)
    path = option or (Path(named) if named else _DEFAULT)
    if not path.exists():
        origin = "--config" if option else CONFIG if named else "the default"
        raise UserError(f"no configuration at {path} ({origin}); run `tracker-sync init`")
    return path


def example() -> str:
    """Return the commented example, as `tracker-sync init` writes it."""
    return _EXAMPLE.read_text(encoding="utf-8")


def load(
    path: Path,
    *,
    environ: Mapping[str, str] | None = None,
    carriers: Mapping[str, type[Carrier]] | None = None,
    sources: Mapping[str, type[Source]] | None = None,
) -> Settings:
    """Read *path* and the environment into settings, or raise one UserError with every problem."""
    path = path.absolute()
    environ = os.environ if environ is None else environ
    carriers = carrier_files.discover() if carriers is None else carriers
    sources = source_files.discover() if sources is None else sources
    document = read(path)
    override(document, whole(document.tree, carriers, sources), environ)
    shape = whole(document.tree, carriers, sources)  # a variable may have added a source
    fill = Fill(document, path.parent, environ)
    tree = fill.value(document.tree, shape)
    draft = Draft(document, shape, tree)
    configs = draft.carriers(carriers)
    values = {
        **tree,
        "carriers": configs,
        "brands": draft.brands(carriers, configs),
        "sources": draft.sources(sources),
        "follow_ups": draft.follow_ups(),
        "path": path,
        "database": _database(tree.get("database"), path.parent, environ),
    }
    values |= _beside(path.parent, tree.get("monitoring"))
    settings = draft.whole(values)
    if document.faults or settings is None:
        raise _refusal(path, document, fill.secrets)
    return settings


def _refusal(path: Path, document: Document, secrets: set[str]) -> UserError:
    """Make the error; a check that quoted a secret nevertheless is silenced here."""
    problems = sorted(document.faults.values(), key=_by_line)
    for secret in secrets:
        problems = [problem.replace(secret, "…") for problem in problems]
    count = f"{len(problems)} problems" if len(problems) > 1 else "1 problem"
    return UserError(f"{path} has {count}", problems)


def _by_line(problem: str) -> tuple[int, str]:
    line = problem.split(":", 2)[1]
    return int(line) if line.isdigit() else 0, problem


def _beside(folder: Path, monitoring: Any) -> dict[str, Any]:
    """Let the path of the metrics begin at the folder of the file, as every path does."""
    stated = monitoring.get("textfile") if isinstance(monitoring, dict) else None
    if not isinstance(stated, str):
        return {}
    return {"monitoring": {**monitoring, "textfile": folder / stated}}


def _database(stated: Any, folder: Path, environ: Mapping[str, str]) -> Any:
    """Return where the database lies; systemd's state directory only where none is stated."""
    if stated is None:
        state = environ.get("STATE_DIRECTORY", "").split(":")[0]
        return Path(state or folder, "tracker-sync.db").absolute()
    return folder / stated if isinstance(stated, str) else stated
