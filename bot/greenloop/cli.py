"""The command line: words in, one command run, exit code out. The only place where errors become messages."""

from __future__ import annotations

import argparse
import errno
import json
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from greenloop import confined
from greenloop.confined import doctor as diagnosing
from greenloop.confined.options import add_choice
from greenloop.confined.telling import weakly
from greenloop.domain import Outcome, Reason
from greenloop.doors import asking, beside, given, indexing
from greenloop.doors.usage_errors import Parser
from greenloop.errors import GreenloopError, UsageError
from greenloop.settings import GIVEN

_DOC = """\
Generate code from a request and let your own tests, linter and security scan decide whether it is green.

  greenloop demo                                   the whole thing, offline, in seconds
  greenloop generate "add retry to the uploader"   the loop on this checkout, on a new branch
  greenloop evaluate --base main                   only the checks: is what I have here green?
  greenloop review --base main                     what is wrong with it, and what shows that
  greenloop sandbox run -- python script.py        one command, confined as generated code is
  greenloop index --query "retry the uploader"     index the code, and see what would be quoted for a request
  greenloop init                                   write .github/greenloop.yml and the workflow
"""
_EXITS = "exit codes:\n" + "\n".join(
    f"  {code:>3}  {', '.join(r.word for r in Reason if r.exit_code == code)}"
    for code in sorted({r.exit_code for r in Reason})
)
_FEW = "exit codes:\n    0  done\n    1  failed\n    2  misconfigured\n  130  stopped"  # where no check is run

_DISK = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES})
_NO_DISK = "{why}{at}. Make room there, or give the permission, and run the same command again."


def run(arguments: Sequence[str]) -> int:
    """Parse, run, report. Never raises but for a defect of greenloop itself, which is reported with exit code 1."""
    options = _parser().parse_args(arguments)
    command: Callable[[argparse.Namespace], int] = options.command
    try:
        return command(options)
    except GreenloopError as error:
        return _failed(error, as_json=getattr(options, "json", False))
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except OSError as error:
        if error.errno not in _DISK:
            raise
        at = f" ({error.filename})" if error.filename else ""
        return _failed(
            GreenloopError(_NO_DISK.format(why=error.strerror, at=at)), as_json=getattr(options, "json", False)
        )


def _failed(error: GreenloopError, *, as_json: bool) -> int:
    from greenloop.forge.terminal import printable  # noqa: PLC0415 - only on failure

    reason = Reason.of(error.exit_code)
    if as_json:
        print(json.dumps({"status": "red", "reason": reason.word, "detail": str(error), "exit_code": error.exit_code}))
    lines = [printable(line) for line in str(error).splitlines()]
    print("\n".join(["greenloop: " + (lines[0] if lines else reason.sentence), *lines[1:]]), file=sys.stderr)
    return error.exit_code


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="greenloop", description=_DOC, epilog=_EXITS, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--version", "-V", action="store_true", help="print the version and end")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    _add_generate(commands)
    beside.add(_add(commands, "evaluate", lambda _options: 2, beside.CHECKS))
    beside.add_review(_add(commands, "review", lambda _options: 2, beside.CLAIMS))
    _add_replay(commands)
    confined.add(_add(commands, "sandbox", lambda _options: 2, confined.WORDS))
    indexing.add(_add(commands, "index", lambda _options: 2, indexing.WORDS, _FEW))
    doctor = _add(commands, "doctor", lambda _options: 2, diagnosing.WORDS)
    diagnosing.add(doctor)
    asking.extend_doctor(doctor)
    asking.add(_add(commands, "models", lambda _options: 2, asking.WORDS, _FEW))
    init = _add(
        commands, "init", _init, "write a commented .github/greenloop.yml and workflow for this repository", _FEW
    )
    init.add_argument("--repo", type=Path, default=Path(), metavar="DIR", help="the checkout; default: here")
    init.add_argument("--force", action="store_true", help="overwrite files that are there")
    _add_usage(commands)
    _add(commands, "action", _action, "run as a step of a GitHub workflow; event and inputs are in the environment")
    demo = _add(commands, "demo", _demo, "play the main job offline: a real repository, real checks, a recorded model")
    demo.add_argument("--repo", type=Path, metavar="DIR", help="an empty folder for the repository; default: a new one")
    demo.add_argument("--recording", type=Path, metavar="FILE", help="play these recorded answers instead")
    return parser


def _add(
    commands: Any,  # noqa: ANN401 - argparse's own type is private
    name: str,
    command: Callable[[argparse.Namespace], int],
    words: str,
    exits: str = _EXITS,
) -> argparse.ArgumentParser:
    made: argparse.ArgumentParser = commands.add_parser(
        name,
        help=words,
        description=words[0].upper() + words[1:] + ".",
        epilog=exits,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    made.set_defaults(command=command)
    return made


def _add_generate(commands: Any) -> None:  # noqa: ANN401 - as above
    made = _add(commands, "generate", _generate, "make attempts at a request until the checks are green")
    made.add_argument("request", help="what to do, in words; `-` reads it from standard input")
    made.add_argument("--branch", metavar="NAME", help="the branch to make; default: greenloop/… by the request")
    made.add_argument(
        "--file", action="append", default=[], dest="files", metavar="PATH", help="a file that matters; repeatable"
    )
    made.add_argument(
        "--fresh", action="store_true", help="continue no unfinished run of the same request, take no kept answer"
    )
    made.add_argument("--no-cache", action="store_true", help="neither take kept answers nor keep new ones")
    indexing.add_knowledge(made)
    given.add(made, GIVEN)


def _add_replay(commands: Any) -> None:  # noqa: ANN401 - as above
    made = _add(commands, "replay", _replay, "play a recorded run again, offline; it must end in the same trees")
    made.add_argument("run", metavar="RUN", help="the key of a run of this repository, or a recording's file")
    made.add_argument("--repo", type=Path, default=Path(), metavar="DIR", help="the checkout; default: here")
    add_choice(made)
    made.add_argument("--json", action="store_true", help="print the result as JSON on standard output")


def _add_usage(commands: Any) -> None:  # noqa: ANN401 - as above
    made = _add(
        commands, "usage", _usage, "what the calls on this machine have used; never what was said in them", _FEW
    )
    groups, forms = ("day", "model", "requester", "repository", "run"), ("table", "csv", "json")
    made.add_argument("--by", choices=groups, default="day", help="one line for each; default: day (UTC)")
    made.add_argument("--format", choices=forms, default="table", help="default: table")
    made.add_argument("--since", default="", metavar="DAY", help="from this day on: 2026-11-01, or 7d")


def _generate(options: argparse.Namespace) -> int:
    from greenloop import app  # noqa: PLC0415 - `--help` does not need it

    text = sys.stdin.read() if options.request == "-" else options.request
    if not text.strip():
        raise UsageError('The request is empty. Say what to do: greenloop generate "add retry to the uploader".')
    order = app.Order(
        text=text.strip(),
        repo=options.repo,
        base=options.base or "HEAD",
        branch=options.branch,
        files=tuple(options.files),
        overrides=given.overrides(options),
        sandbox=options.sandbox,
        fresh=options.fresh,
        knowledge=tuple(options.knowledge),
    )
    return _ended(app.generate(order, os.environ), as_json=options.json)


def _ended(outcome: Outcome, *, as_json: bool) -> int:
    from greenloop.forge.terminal import document, printable  # noqa: PLC0415 - as above
    from greenloop.report import render, result  # noqa: PLC0415 - as above

    if as_json:
        print(json.dumps(result.as_dict(outcome), indent=2))
    elif outcome.attempts:
        document(f"# {render.title(outcome)}\n\n{render.pull_request(outcome)}")
    if outcome.url and not as_json:
        print(f"This text is in {outcome.url}")
    weakly(outcome.sandbox)
    print(f"greenloop: {printable(render.closing(outcome))}", file=sys.stderr)
    return outcome.reason.exit_code


def _replay(options: argparse.Namespace) -> int:
    from greenloop import app  # noqa: PLC0415 - as above

    order = app.Order(text="", repo=options.repo, sandbox=options.sandbox)
    outcome, same = app.replay(options.run, order, os.environ)
    code = _ended(outcome, as_json=options.json)
    if not same:
        print("greenloop: the trees differ from the recorded ones", file=sys.stderr)
        return Reason.FAILED.exit_code
    count = len(outcome.attempts)
    print(f"greenloop: {count} attempt{'s' * (count != 1)}, the same trees as recorded", file=sys.stderr)
    return code


def _init(options: argparse.Namespace) -> int:
    from greenloop.commands.init import NEXT, init  # noqa: PLC0415 - as above

    print("\n".join([*(f"wrote {path}" for path in init(options.repo, force=options.force)), NEXT]))
    return 0


def _usage(options: argparse.Namespace) -> int:
    from greenloop.commands.usage import usage  # noqa: PLC0415 - as above

    print(usage(os.environ, by=options.by, form=options.format, since=options.since), end="")
    return 0


def _action(_options: argparse.Namespace) -> int:
    from greenloop.action import main  # noqa: PLC0415 - as above

    return main(os.environ)


def _demo(options: argparse.Namespace) -> int:
    from greenloop.demo import play  # noqa: PLC0415 - as above

    return play(options.repo, options.recording)
