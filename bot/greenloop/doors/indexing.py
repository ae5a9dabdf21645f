"""The door `greenloop index`: builds the index of a repository, and shows what is in it and what it would answer."""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path

WORDS = "bring the index of a commit up to date and say what is in it"
_TOLD = """\
Index the code of a commit, which `generate` also does by itself, and say what is in the index and where it lies: one
file, made again when it is lost. With --query, also say what would be quoted in the prompt of this request, and why.

  greenloop index
  greenloop index --query "retry the upload when the server says 503"
"""


def add(made: argparse.ArgumentParser) -> None:
    made.description = _TOLD
    made.add_argument("--query", metavar="TEXT", default="", help="also say what would be quoted for this request")
    add_knowledge(made)
    made.add_argument("--repo", type=Path, default=Path(), metavar="DIR", help="the checkout; default: here")
    made.add_argument("--base", metavar="REF", help="the commit to index; default: HEAD")
    made.add_argument("--json", action="store_true", help="print the result as JSON on standard output")
    made.set_defaults(command=_run)


def add_knowledge(made: argparse.ArgumentParser) -> None:
    words = (
        "what to quote from beside the repository: a folder, a clone and @commit[:folder], or "
        "https://host/owner/name[@ref][:folder], read without any credential; repeatable"
    )
    made.add_argument("--knowledge", action="append", default=[], metavar="WHERE", help=words)


def _run(options: argparse.Namespace) -> int:
    from greenloop import app  # noqa: PLC0415 - `--help` does not need it
    from greenloop.commands.index import as_dict, as_text  # noqa: PLC0415 - as above
    from greenloop.forge.terminal import printable  # noqa: PLC0415 - as above

    order = app.Order(text="", repo=options.repo, base=options.base, knowledge=tuple(options.knowledge))
    done = app.index(order, options.query, os.environ)
    print(json.dumps(as_dict(done), indent=2) if options.json else "\n".join(map(printable, as_text(done))))
    return 0
