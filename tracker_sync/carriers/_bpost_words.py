"""What bpost's own sentence about a state says for and against a meaning.

Floor 2.
"""

from __future__ import annotations

import re

from tracker_sync.carriers._text import LONGEST, doubtful, plain
from tracker_sync.model import Meaning, Status

_WORDS = re.compile(r"(?<=[a-z])(?=[A-Z])")  # "BackToSender" are three


def wording(text: str) -> str:
    """Return the key a whole sentence is listed by; blank for none."""
    return f"text:{plain(text)}"[:LONGEST].strip() if text else ""


def believed(meaning: Meaning | None, text: str) -> Meaning | None:
    """Take no delivery from a state whose own sentence may say something else."""
    delivered = meaning is not None and meaning.status is Status.DELIVERED
    return None if delivered and doubtful(_WORDS.sub(" ", text)) else meaning
