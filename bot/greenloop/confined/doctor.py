"""`greenloop doctor`: how strongly generated code is confined here."""

from __future__ import annotations

import argparse
import json
import os
import sys

WORDS = "try out how strongly generated code is confined here, and say what makes it stronger"


def add(made: argparse.ArgumentParser) -> None:
    """`greenloop doctor`."""
    made.epilog = (
        "exit codes:\n    0  confined, and all of it held\n    9  nothing is strong enough, or something did not hold"
    )
    made.add_argument("--json", action="store_true", help="print what was found as JSON on standard output")
    made.set_defaults(command=_doctor)


def _doctor(options: argparse.Namespace) -> int:
    from greenloop.commands import doctor  # noqa: PLC0415 - `--help` does not need it
    from greenloop.errors import NoSandbox  # noqa: PLC0415 - likewise
    from greenloop.sandbox.remembered import cache_folder  # noqa: PLC0415 - likewise

    found = doctor.diagnose(cache_folder(os.environ), lambda words: print(f"greenloop: {words}", file=sys.stderr))
    found = doctor.with_ways(found, os.environ)
    text = json.dumps(found.as_dict(), indent=2) if options.json else "\n".join(doctor.shown(found))
    print(text)
    return 0 if found.healthy else NoSandbox.exit_code
