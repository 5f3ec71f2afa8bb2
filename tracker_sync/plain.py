"""Text from outside without what only machines see: the one place that cleans it.

Floor 2-. Control characters steer a terminal, bidirectional marks turn a line around, tags and
halves of surrogate pairs hide in it. Carriers, feeds and file names may hold any of them.
"""

from __future__ import annotations

import json
import re

# C0 and C1 without tab and line feed, and with them all that turns, joins or hides what follows.
_BIDI = "\u061c\u200b-\u200f\u202a-\u202e\u2066-\u2069"
_HIDDEN = "\u00ad\u180e\u2028\u2029\u2060-\u2065\u206a-\u206f\ufeff\ufff9-\ufffb"
_BEYOND = "\ud800-\udfff\U000e0000-\U000e007f"
_UNFIT = re.compile(f"[\x00-\x08\x0b-\x1f\x7f-\x9f{_BIDI}{_HIDDEN}{_BEYOND}]")
_STEERING = re.compile(f"[\x00-\x1f\x7f-\x9f\u061c\u202a-\u202e\u2066-\u2069{_BEYOND}]")


def plain(text: str) -> str:
    """Return *text* as it may be shown to a person: what cannot be seen becomes a mark."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c in "\n\t" else "\ufffd" for c in text)


def logged(text: str) -> str:
    """Return *text* as it may stand in a log line: nothing hidden may split what is masked."""
    return _UNFIT.sub("\ufffd", text)


def kept(text: str) -> str:
    """Return *text* as we keep it: joiners of scripts and emoji stay, what steers goes."""
    return text if text.isprintable() else _STEERING.sub("", text)


def plain_json(text: str) -> str:
    """Return a JSON *text* with everything escaped that a terminal might obey."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c == "\n" else json.dumps(c)[1:-1] for c in text)
