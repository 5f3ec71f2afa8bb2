"""What commands share: the clock, the shop they work on, and how they speak to people.

Floor 4, and with `daemon` the only place that reads the clock. Imports nothing heavy by itself.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from tracker_sync.errors import Busy, UserError
from tracker_sync.plain import plain, plain_json

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from tracker_sync.model import Recipient
    from tracker_sync.settings import Settings
    from tracker_sync.store import Store
    from tracker_sync.sync.house import House
    from tracker_sync.wire import Timer

FINE, PERSON, WRONG, BUSY = 0, 1, 2, 75  # exit codes
_WIDTH = 160  # columns where no terminal says how wide it is
_GLANCE = 0.1  # seconds between two tries to get the lock
Function = Callable[..., Any]


@dataclass(slots=True)
class Shop:
    """What a command works on; lives in `ctx.obj`, shared by the group and the command."""

    config: Path | None = None
    verbose: bool = False
    moment: datetime | None = None  # --now: another time is rehearsed
    settings: Settings | None = None


class Command(click.Command):
    """A command that logs to stderr from its first line on."""

    def invoke(self, ctx: click.Context) -> Any:
        """Configure the log, then run."""
        from tracker_sync import log

        log.configure(clock, verbose=shop(ctx).verbose)
        return super().invoke(ctx)


def command(name: str) -> Callable[[Function], click.Command]:
    """Declare a command that takes `--config` and `--verbose` after its name as well."""
    return lambda function: click.command(name, cls=Command)(options(function))


def options(function: Function) -> Function:
    """Add the options that may stand before and after a command."""
    usual = "The configuration; default: config/tracker-sync.yaml."
    path = click.Path(path_type=Path)
    config = click.option("--config", metavar="FILE", type=path, help=usual, **_taken("config"))
    verbose = click.option("-v", "--verbose", is_flag=True, help="Log more.", **_taken("verbose"))
    return config(verbose(function))


def as_json(function: Function) -> Function:
    """Add `--json`; the command gets it as *as_json*."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON.")(function)


def _taken(name: str) -> dict[str, Any]:
    """Keep the option in the shop, wherever it stands; what is not given overwrites nothing."""

    def take(ctx: click.Context, _option: click.Parameter, value: object) -> None:
        if value:
            setattr(shop(ctx), name, value)

    return {"expose_value": False, "callback": take}


# -- what a command needs --------------------------------------------------------


def shop(ctx: click.Context) -> Shop:
    """What this command works on."""
    return ctx.ensure_object(Shop)


def clock() -> datetime:
    """The machine's time, to the second as the database has it."""
    return datetime.now(UTC).replace(microsecond=0)


def now(ctx: click.Context) -> datetime:
    """The moment the command works as of: --now, else the machine's time."""
    return shop(ctx).moment or clock()


def timer() -> Timer:
    """The machine's ticking, for pauses and time limits."""
    from tracker_sync.wire import Timer

    return Timer(time.monotonic, time.sleep)


def settings(ctx: click.Context) -> Settings:
    """Read the configuration, once a command."""
    from tracker_sync.settings import find, load

    mine = shop(ctx)
    mine.settings = mine.settings or load(find(mine.config))
    return mine.settings


def store(ctx: click.Context, *, existing: bool = False) -> Store:
    """Open the database until the command ends; *existing* refuses to make a new one."""
    from tracker_sync.cli.assembly import open_store

    wishes = settings(ctx)
    if existing and not wishes.database.exists():
        raise UserError(f"no database at {wishes.database} yet; run `tracker-sync sync` first")
    opened = open_store(wishes)
    ctx.call_on_close(opened.close)
    return opened


def house(
    ctx: click.Context, now: datetime, *, step: Callable[[str], None] = lambda _name: None
) -> House:
    """Open the database and put everything together that a pass needs."""
    from tracker_sync.cli.assembly import build

    made = build(settings(ctx), store(ctx), timer(), now, step=step)
    rehearsed = shop(ctx).moment
    return replace(made, ahead=clock() - rehearsed) if rehearsed else made


@contextmanager
def alone(ctx: click.Context, *, patience: float = 0.0) -> Iterator[None]:
    """Hold the database's lock; Busy where another pass still holds it after *patience* seconds."""
    from tracker_sync.sync.lock import only_pass

    until = time.monotonic() + patience
    with ExitStack() as stack:
        while True:
            try:
                stack.enter_context(only_pass(settings(ctx).database, clock()))
                break
            except Busy:
                if time.monotonic() >= until:
                    fail("another pass is running on this database", busy_code(settings(ctx)))
            time.sleep(_GLANCE)
        yield


def busy_code(settings: Settings) -> int:
    """The exit code where another pass holds the lock: a person is needed if it hangs."""
    from tracker_sync.sync.lock import overdue

    def stuck() -> bool:
        return overdue(settings.database, clock(), settings.polling.pass_limit)

    if not stuck():
        return BUSY
    time.sleep(_GLANCE)  # a pass that began just now has perhaps not signed yet
    return PERSON if stuck() else BUSY


def fail(text: str, code: int = PERSON) -> NoReturn:
    """Say one line on stderr and end with *code*."""
    say(text, err=True)
    raise click.exceptions.Exit(code)


# -- speaking ----------------------------------------------------------------------


def watched() -> bool:
    """Whether a person looks at standard output."""
    return sys.stdout.isatty()


def say(text: str, *, err: bool = False) -> None:
    """Print a line for a person; nothing in it can steer the terminal."""
    click.echo(plain(text), err=err)


def print_json(value: Any) -> None:
    """Print *value* for a program: dates, paths and the like by their text."""
    click.echo(plain_json(json.dumps(value, ensure_ascii=False, indent=2, default=_text)))


def _text(value: object) -> str:
    return f"{value:%Y-%m-%dT%H:%M:%SZ}" if isinstance(value, datetime) else str(value)


def console(*, stderr: bool = False) -> Console:
    """A console that prints what it is given, as wide as the terminal."""
    from rich.console import Console

    made = Console(stderr=stderr, markup=False, highlight=False, emoji=False)
    if not made.is_terminal:
        made.width = _WIDTH
    return made


def show(*renderables: Any) -> None:
    """Print tables and lines for a person."""
    out = console()
    for each in renderables:
        out.print(plain(each) if isinstance(each, str) else each)


def table(headers: Sequence[str], rows: Iterable[Sequence[object]], title: str = "") -> Table:
    """Lay *rows* out under *headers*; None stays blank, nothing is taken for markup."""
    from rich.box import SIMPLE
    from rich.table import Table
    from rich.text import Text

    made = Table(box=SIMPLE, title=title or None, title_justify="left", pad_edge=False)
    for header in headers:
        made.add_column(header, overflow="fold")
    for row in rows:
        made.add_row(*(Text(plain(str("" if cell is None else cell))) for cell in row))
    return made


def tail(number: str) -> str:
    """The part of a number that may be shown: its last six characters."""
    return f"…{number[-6:]}" if number else ""


def masked(recipient: Recipient) -> str:
    """Who is told, such that nobody can be recognised: a•••@d•••.de."""
    if recipient.email:
        local, _, domain = recipient.email.rpartition("@")
        name, dot, top = domain.rpartition(".")
        return f"{local[:1]}•••@{name[:1]}•••{dot}{top}"
    if recipient.phone:
        return f"{recipient.phone[:3]}•••{recipient.phone[-2:]}"
    return "id •••" if recipient.external_id else ""
