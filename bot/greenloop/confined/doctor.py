"""`greenloop doctor`: how strongly generated code is confined here."""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from greenloop.source.toolchains import Tests

WORDS = "try out how strongly generated code is confined here, and say what is to be watched"
_TOLD = """\
Try out how strongly generated code is confined on this machine, attack by attack, and say what makes it stronger; which
way of having a model of one's own serves here; and whether the workflows of this checkout push with a token that starts
the repository's other workflows, on generated code and with their secrets; which tests of other languages than Python
are found, and can be run.

  greenloop doctor
  greenloop doctor --model ollama/qwen2.5-coder    what a model is good for, by nine small calls
"""


def add(made: argparse.ArgumentParser) -> None:
    """`greenloop doctor`."""
    made.description = _TOLD
    made.epilog = (
        "exit codes:\n    0  confined, and all of it held\n    9  nothing is strong enough, or something did not hold"
    )
    made.add_argument("--json", action="store_true", help="print what was found as JSON on standard output")
    made.set_defaults(command=_doctor)


def _tests(folder: Path) -> tuple[Tests, ...] | None:
    """Of other languages in the commit of a checkout, when it is one."""
    from greenloop.errors import GreenloopError  # noqa: PLC0415 - `--help` does not need it
    from greenloop.source.toolchains import detect  # noqa: PLC0415 - likewise
    from greenloop.workspace import open_workspace  # noqa: PLC0415 - likewise

    try:
        with open_workspace(folder) as workspace:
            tree = workspace.tree(workspace.resolve("HEAD"))
            paths = workspace.entries(tree).keys()
            return detect(paths, lambda path: workspace.read(tree, path), "", os.environ)
    except GreenloopError:
        return None


def _doctor(options: argparse.Namespace) -> int:
    from greenloop.commands import doctor  # noqa: PLC0415 - `--help` does not need it
    from greenloop.errors import NoSandbox  # noqa: PLC0415 - likewise
    from greenloop.sandbox.remembered import cache_folder  # noqa: PLC0415 - likewise

    found = doctor.diagnose(cache_folder(os.environ), lambda words: print(f"greenloop: {words}", file=sys.stderr))
    found = doctor.with_tokens(doctor.with_ways(found, os.environ), options.repo)
    found = doctor.with_languages(found, _tests(options.repo), os.environ)
    text = json.dumps(found.as_dict(), indent=2) if options.json else "\n".join(doctor.shown(found))
    print(text)
    return 0 if found.healthy else NoSandbox.exit_code
