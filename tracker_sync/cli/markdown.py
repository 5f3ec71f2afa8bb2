"""Tables as a README has them.

Floor 4.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence


def lines(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Write a table; no cell may hold a line break or a bar."""
    for cells in (headers, ["---"] * len(headers), *rows):
        yield f"| {' | '.join(cells)} |"
