"""`python -m tracker_sync`, and the entry point of `tracker-sync`."""

from __future__ import annotations

import gc

from tracker_sync.late import postpone


def main() -> None:
    """Run the command line; a pass with nothing due starts without what it does not use."""
    gc.disable()  # imports leave no garbage; the command turns it on again
    postpone("asyncio", "difflib", "httpx", "secrets", "shlex")
    postpone("sqlite_utils", "ssl", "statistics")
    postpone("structlog", without="rich")  # for tracebacks that `log` does not print
    from tracker_sync import cli

    try:
        cli.main(prog_name="tracker-sync")
    finally:
        gc.freeze()  # or Python would look through everything once more before it ends


if __name__ == "__main__":
    main()
