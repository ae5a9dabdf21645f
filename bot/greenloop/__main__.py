"""The program. `--version` is answered before anything is imported."""

from __future__ import annotations

import sys


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    given = sys.argv[1:] if arguments is None else arguments
    if given in (["--version"], ["-V"]):
        from greenloop import __version__  # noqa: PLC0415 - kept quick

        sys.stdout.write(f"greenloop {__version__}\n")
        return 0
    from greenloop.cli import run  # noqa: PLC0415 - kept quick

    return run(given)


if __name__ == "__main__":
    sys.exit(main())
