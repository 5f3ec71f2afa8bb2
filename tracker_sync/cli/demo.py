"""`tracker-sync demo`: a pretended shop at work, without keys and without network."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click
import structlog
from rich.progress import Progress

from tracker_sync.cli import common, week
from tracker_sync.sandbox import show


@common.command("demo")
@click.pass_context
def command(ctx: click.Context) -> None:
    """Show what a shop would have sent over some days.

    Pretended carriers and a pretended Klaviyo on this machine, a database that is gone afterwards,
    several days of pretended time.
    """
    if not common.shop(ctx).verbose:  # a week of log lines would hide what is to be seen
        structlog.configure(wrapper_class=structlog.make_filtering_bound_logger("ERROR"))
    with _followed() as progress:
        result = week.run(clock=common.clock(), timer=common.timer(), progress=progress)
    common.show(*show.tables(result))


@contextmanager
def _followed() -> Iterator[Callable[[int, int], None] | None]:
    """Where a person watches, show how far the week is."""
    screen = common.console(stderr=True)
    if not screen.is_terminal:
        yield None
        return
    with Progress(console=screen, transient=True) as bar:
        task = bar.add_task("a week passes", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
