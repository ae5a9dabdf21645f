"""The doors `greenloop evaluate` and `greenloop review`: a local change beside its base."""

from __future__ import annotations

import argparse
import json
import os
import sys

from greenloop.confined.telling import weakly
from greenloop.doors import given

CHECKS = "run the checks on a commit, or on the files as they are, and judge"
CLAIMS = "review a commit, or the files as they are: claims, and what running something shows of each"
_SETTINGS = ("test_command", "install_command", "directory")
_ASKS = ("model", "api_base", "max_cost", "max_tokens", "max_minutes", *_SETTINGS)
_TOLD = """\
Review a change as `/review` does on GitHub: the checks run on it and on its base, a model says what is wrong, and each
claim that it writes a test for is put to the test, in the sandbox, here and on the base. What a test or a check shows
is told first; the rest is an opinion, with the model's own confidence. Nothing is written, committed or pushed.

  greenloop review                                 what is not committed yet, beside HEAD
  greenloop review --base main                     all since this branch left main, uncommitted changes included
  greenloop review --base main HEAD                the commits alone
  greenloop review --about "is the retry safe?"    what to look at

It ends with 0 when nothing that was run speaks against the change, with 4 when a check, or a test of a claim that the
base does not fail, does. Opinions never count, and neither does what was wrong before.
"""


def add(made: argparse.ArgumentParser) -> None:
    _add_head(made)
    given.add(made, _SETTINGS)
    made.set_defaults(command=_evaluate)


def add_review(made: argparse.ArgumentParser) -> None:
    made.description = _TOLD
    _add_head(made)
    made.add_argument("--about", metavar="TEXT", default="", help="what to look at, in words; default: all of it")
    made.add_argument("--fresh", action="store_true", help="take no kept answer")
    made.add_argument("--no-cache", action="store_true", help="neither take kept answers nor keep new ones")
    given.add(made, _ASKS)
    made.set_defaults(command=_review)


def _add_head(made: argparse.ArgumentParser) -> None:
    made.add_argument("head", nargs="?", metavar="HEAD", help="a commit; default: the files as they are now")


def _evaluate(options: argparse.Namespace) -> int:
    from greenloop import comparing  # noqa: PLC0415 - `--help` does not need it
    from greenloop.app import Order  # noqa: PLC0415 - as above
    from greenloop.forge.terminal import document  # noqa: PLC0415 - as above

    order = Order(
        text="", repo=options.repo, base=options.base, overrides=given.overrides(options), sandbox=options.sandbox
    )
    measured = comparing.evaluate(order, options.head, os.environ)
    if options.json:
        print(json.dumps(measured.as_dict(), indent=2))
    else:
        document(measured.shown())
    weakly(measured.sandbox)
    return measured.reason.exit_code


def _review(options: argparse.Namespace) -> int:
    from greenloop import comparing  # noqa: PLC0415 - as above
    from greenloop.app import Order  # noqa: PLC0415 - as above
    from greenloop.commands.remarked import as_dict, as_text, reason  # noqa: PLC0415 - as above
    from greenloop.forge.terminal import printable  # noqa: PLC0415 - as above
    from greenloop.report.render import cost  # noqa: PLC0415 - as above

    order = Order(
        text=options.about.strip(),
        repo=options.repo,
        base=options.base,
        overrides=given.overrides(options),
        sandbox=options.sandbox,
        fresh=options.fresh,
    )
    done = comparing.review(order, options.head, os.environ)
    if options.json:
        print(json.dumps(as_dict(done.reviewed, done.outcome), indent=2))
    else:
        for line in as_text(done.reviewed):
            indent = line[: len(line) - len(line.lstrip(" "))]
            print(f"{indent}{printable(line)}".rstrip())
    weakly(done.outcome.sandbox)
    ended = reason(done.reviewed)
    print(f"greenloop: {ended.word}: {done.base[:9]}..{done.head}, {printable(cost(done.outcome))}", file=sys.stderr)
    return ended.exit_code
