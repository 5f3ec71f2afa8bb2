"""`python -m tracker_sync`, and the entry point of `tracker-sync`."""

from __future__ import annotations

from tracker_sync import cli


def main() -> None:
    """Run the command line."""
    cli.main(prog_name="tracker-sync")


if __name__ == "__main__":
    main()
