"""The command line: `tracker-sync COMMAND`.

Floor 4. Each command is a file that is imported only when it is called.
"""

from __future__ import annotations

import gc
from importlib import import_module

import click

from tracker_sync import __version__
from tracker_sync.cli.common import BUSY, PERSON, WRONG, options, say
from tracker_sync.errors import Busy, CallError, UserError

# Name: the file it lives in, the attribute there, and what it says in the overview.
COMMANDS = {
    "init": ("init", "command", "Write a configuration to start from."),
    "check": ("check", "command", "Check the configuration, and with --online the keys."),
    "sync": ("sync", "command", "Run one pass: take in, ask carriers, tell customers."),
    "run": ("run", "command", "Run passes for ever, as a daemon."),
    "add": ("add", "command", "Take one parcel in by hand."),
    "status": ("status", "command", "Show how the shop's parcels, carriers and messages do."),
    "explain": ("explain", "command", "Tell the whole story of one parcel."),
    "read": ("read", "command", "Read a carrier's answer from a file."),
    "carriers": ("carriers", "command", "List all carriers and the keys they need."),
    "codes": ("codes", "command", "Apply the meanings you gave to unknown codes."),
    "events": ("events", "command", "List all messages Klaviyo may get."),
    "messages": ("messages", "command", "List messages; retry or drop one."),
    "pause": ("hold", "pause", "Hold back a kind of message, or all."),
    "resume": ("hold", "resume", "Let held messages go again."),
    "backup": ("backup", "command", "Copy the database, while passes run."),
    "forget": ("forget", "command", "Erase a person."),
    "demo": ("demo", "command", "Show a pretended shop at work; needs no key, no network."),
}


class Program(click.Group):
    """The commands by name, loaded when called; errors become text and an exit code."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Every command, in the order of the overview."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import one command."""
        if cmd_name not in COMMANDS:
            return None
        file, attribute, _ = COMMANDS[cmd_name]
        found: click.Command = getattr(import_module(f"{__name__}.{file}"), attribute)
        gc.freeze()  # what was imported stays
        gc.enable()
        return found

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the overview without importing anything."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, says) for name, (_, _, says) in COMMANDS.items()])

    def invoke(self, ctx: click.Context) -> object:
        """Run a command; what a person can put right is said in a line, without traceback."""
        try:
            return super().invoke(ctx)
        except UserError as exc:
            code, text = WRONG, str(exc)
        except Busy as exc:
            code, text = BUSY, str(exc)
        except CallError as exc:
            code, text = PERSON, str(exc)
        say(text, err=True)
        raise click.exceptions.Exit(code)


@click.group(cls=Program, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="tracker-sync", message="%(prog)s %(version)s")
@options
def main() -> None:
    """Tell customers where their parcel is: carriers' news in, Klaviyo events out.

    Exit codes: 0 fine, 1 something new needs a person, 2 the configuration or the command is
    wrong, 75 another pass is running.
    """
