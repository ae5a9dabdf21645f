"""The program. `--version` is answered before anything is imported."""

from __future__ import annotations

import sys
from io import TextIOWrapper


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    given = sys.argv[1:] if arguments is None else arguments
    if given in (["--version"], ["-V"]):
        from greenloop import __version__  # noqa: PLC0415 - kept quick

        sys.stdout.write(f"greenloop {__version__}\n")
        return 0
    for stream in (sys.stdout, sys.stderr):  # a terminal that knows ASCII alone ends no run
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        from greenloop.cli import run  # noqa: PLC0415 - kept quick

        code = run(given)
    except KeyboardInterrupt:  # what is at work ends in order by itself (`stopping`)
        sys.stderr.write("greenloop: stopped\n")
        return 130
    if arguments is None:
        _leave(code)
    return code


def _leave(code: int) -> None:
    """End without taking apart all that was imported, which takes 75 ms and helps nobody."""
    import atexit  # noqa: PLC0415 - kept quick
    import os  # noqa: PLC0415 - likewise

    atexit._run_exitfuncs()  # noqa: SLF001 - there is no other name for what an ordinary end does first
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except OSError:  # the ordinary end tells of it
        return
    os._exit(code)


if __name__ == "__main__":
    sys.exit(main())
