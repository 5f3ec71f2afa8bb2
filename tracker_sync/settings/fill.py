"""Blanks, placeholders and secrets kept in files.

Floor 3. `{file: klaviyo_key}` is looked for among systemd's credentials first, then beside the
configuration.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tracker_sync.settings.document import At, Document
from tracker_sync.settings.shape import Shape, Sort

_PLACEHOLDER = re.compile(r"put-your-[a-z-]+-here", re.IGNORECASE)
_LARGEST = 64 * 1024


@dataclass(slots=True)
class Fill:
    """Fills in what the text of the file only points to."""

    document: Document
    folder: Path
    environ: Mapping[str, str]
    secrets: set[str] = field(default_factory=set)

    def value(self, value: Any, shape: Shape, at: At = ()) -> Any:
        """Return *value* with secrets read and keys without a value left out."""
        if shape.sort is Sort.SECRET:
            return self._secret(value, at)
        if isinstance(value, dict):
            return dict(self._block(value, shape, at))
        if isinstance(value, list):
            rows = enumerate(value, 1)
            return [self.value(v, shape.at(str(i)), (*at, str(i))) for i, v in rows]
        self._no_placeholder(value, at)
        return value

    def _block(self, block: dict[str, Any], shape: Shape, at: At) -> Iterator[tuple[str, Any]]:
        for key, value in block.items():
            below = shape.at(key)
            known = key in shape.keys or shape.every
            if value is None and below.sort is Sort.BLOCK:
                yield key, {}  # a block whose keys are all commented out is still wanted
            elif value is not None or not known:
                yield key, self.value(value, below, (*at, key))

    def _secret(self, value: Any, at: At) -> Any:
        if isinstance(value, dict):
            return self._from_file(value, at)
        if isinstance(value, str):
            self._usable(value, at)
        return value

    def _from_file(self, value: dict[str, Any], at: At) -> Any:
        named = value.get("file")
        if set(value) != {"file"} or not isinstance(named, str) or not named:
            self.document.fault(at, "must be text, or {file: path}")
            return value
        try:
            with self._find(named).open("rb") as file:
                raw = file.read(_LARGEST + 1)
            text = raw.decode("utf-8-sig").rstrip("\r\n")
        except OSError as exc:
            reason = (exc.strerror or "unreadable").lower()
            self.document.fault(at, f"names a file that cannot be read ({reason})")
            return value
        except ValueError:
            self.document.fault(at, "names a file that is not UTF-8 text, or no file at all")
            return value
        if len(raw) > _LARGEST:
            self.document.fault(at, "names a file too big to be a secret")
            return value
        self._usable(text, at)
        return text

    def _find(self, named: str) -> Path:
        beside = self.folder / named  # an absolute path stays what it is
        credentials = self.environ.get("CREDENTIALS_DIRECTORY")
        if credentials and not Path(named).is_absolute():
            handed = Path(credentials, named)
            return handed if handed.exists() else beside
        return beside

    def _usable(self, secret: str, at: At) -> None:
        if len(secret) >= 6:
            self.secrets.add(secret)
        self._no_placeholder(secret, at)
        if not secret.strip():
            self.document.fault(at, "is empty")
        if any(ord(sign) < 32 for sign in secret):
            self.document.fault(at, "holds a line break or another control character")

    def _no_placeholder(self, value: Any, at: At) -> None:
        if isinstance(value, str) and _PLACEHOLDER.search(value):
            self.document.fault(at, "still holds the example's placeholder; put your own there")
