"""What a body of another shape than expected raises, and how it is told.

Floor 2.
"""

from __future__ import annotations

import json

SHAPE = (LookupError, TypeError, ValueError, AttributeError, ArithmeticError, RecursionError)


def why(exc: BaseException) -> str:
    """Name what is wrong with the shape; never a value, it may be personal."""
    if isinstance(exc, json.JSONDecodeError):
        return "the answer is not JSON"
    key = f" {exc.args[0]!r}" if isinstance(exc, KeyError) and exc.args else ""
    return f"the answer has another shape than expected ({type(exc).__name__}{key})"
