"""What a careless runner believes: `python -m pytest` in each folder given, and its exit code.

One interpreter that has pytest loaded, forked once for each folder, because most of a short run is loading it.
"""

from __future__ import annotations

import json
import os
import sys


def _run(folder: str) -> int:
    child = os.fork()
    if not child:
        nothing = os.open(os.devnull, os.O_RDWR)
        for number in range(3):
            os.dup2(nothing, number)
        os.chdir(folder)
        sys.path.insert(0, folder)
        sys.argv = ["pytest", "-q"]
        import pytest  # noqa: PLC0415

        raise SystemExit(pytest.console_main())
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def main() -> None:
    import pytest  # noqa: F401, PLC0415 - before the first fork

    sys.stdout.write(json.dumps({folder: _run(folder) for folder in sys.argv[1:]}))


if __name__ == "__main__":
    main()
