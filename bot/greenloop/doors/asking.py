"""The doors `greenloop models` and `greenloop doctor --model`: what is configured, and what it is good for."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

from greenloop.settings import FILE

if TYPE_CHECKING:
    from greenloop.settings import Settings

WORDS = "list the models that the settings name, and whether each can be reached"
_TOLD = """\
List each model of the settings: what it is used for, where it is, whether there is a key, whether its endpoint answers
now. Asks for lists of models only; costs nothing.

  greenloop models
  greenloop models --model ollama/qwen2.5-coder
  greenloop models plan local/Qwen/Qwen2.5-Coder-7B-Instruct
"""
_PLAN = """\
Say how greenloop would serve a model on this machine: engine, quantization, memory, and why, or why it would not.
Starts nothing.

  greenloop models plan local/Qwen/Qwen2.5-Coder-7B-Instruct
  greenloop models plan local/Qwen/Qwen2.5-Coder-32B-Instruct --machine h200
"""


def add(made: argparse.ArgumentParser) -> None:
    made.description = _TOLD
    _add_place(made)
    made.add_argument("--model", metavar="MODEL", help="as `model` in the settings")
    made.add_argument("--json", action="store_true", help="print the result as JSON on standard output")
    made.set_defaults(command=_models)
    ways = made.add_subparsers(title="commands", metavar="COMMAND")
    plan = ways.add_parser(
        "plan",
        help="how a model would be served here, and why",
        description=_PLAN,
        epilog="exit codes:\n    0  it would be served\n    2  misconfigured\n    8  it does not fit, or cannot be had",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    plan.add_argument("model", metavar="MODEL", help="local/<hub id or path>[@revision]")
    plan.add_argument("--machine", default="", metavar="NAME", help="another machine than this one, such as h200")
    plan.add_argument("--context", type=int, default=0, metavar="TOKENS", help="default: as the settings need it")
    plan.add_argument("--json", action="store_true", help="print the result as JSON on standard output")
    plan.set_defaults(command=_plan)


def extend_doctor(made: argparse.ArgumentParser) -> None:
    """`--model` beside what `greenloop doctor` looks at without it."""
    before: Callable[[argparse.Namespace], int] = made.get_default("command")
    made.add_argument("--model", metavar="MODEL", help="look at this model instead: nine small calls, which are billed")
    _add_place(made)
    made.set_defaults(command=lambda options: _doctor(options) if options.model else before(options))


def _add_place(made: argparse.ArgumentParser) -> None:
    made.add_argument("--api-base", metavar="URL", help="as `api_base` in the settings")
    made.add_argument("--repo", type=Path, default=Path(), metavar="DIR", help="where the settings are; default: here")


def _settings(options: argparse.Namespace) -> tuple[Settings, str | None]:
    """With the text of the file. Those that lie on disk, changed or not: this is to try them."""
    from greenloop import configuration  # noqa: PLC0415 - `--help` does not need it

    given = {"model": options.model, "api_base": options.api_base}
    file = options.repo / FILE
    text = file.read_text("utf-8", "replace") if file.is_file() else None
    return configuration.load(text, overrides={key: value for key, value in given.items() if value}), text


def _models(options: argparse.Namespace) -> int:
    from greenloop.commands.models import listed  # noqa: PLC0415 - as above
    from greenloop.forge.terminal import printable  # noqa: PLC0415 - as above
    from greenloop.model.rows import require_used  # noqa: PLC0415 - as above

    found, (settings, text) = [], _settings(options)
    require_used(settings, options.api_base or "", "--api-base")
    for row in listed(settings, os.environ, text=text, given=options.api_base or ""):
        found.append(asdict(row))
        if not options.json:
            uses = ", ".join(row.uses) or "not used"
            key = "a key" if row.key else "no key"
            print(printable(f"{row.name} ({uses}): {row.model or 'its only model'} at {row.place}, {key}; {row.reach}"))
    if options.json:
        print(json.dumps(found, indent=2))
    elif not found:
        print(f"no model is named: set `model` in {FILE}, or give --model")
    return 0


def _plan(options: argparse.Namespace) -> int:
    from greenloop.commands.plan import plan, shown  # noqa: PLC0415 - as above
    from greenloop.errors import ModelUnreachable  # noqa: PLC0415 - as above
    from greenloop.forge.terminal import printable  # noqa: PLC0415 - as above
    from greenloop.records.places import Places  # noqa: PLC0415 - as above

    settings, _ = _settings(options)
    wanted = options.context or settings.context_tokens + settings.max_output
    cache = Places.of(os.environ).cache / "models"
    planned = plan(options.model, context=wanted, cache=cache, environment=os.environ, machine=options.machine)
    if options.json:
        print(json.dumps(planned.as_dict(), indent=2))
    else:
        print("\n".join(printable(line) for line in shown(planned)))
    return 0 if planned.fits else ModelUnreachable.exit_code


def _doctor(options: argparse.Namespace) -> int:
    from greenloop.commands.models import ASKS, TASKS, probe  # noqa: PLC0415 - as above
    from greenloop.errors import ModelUnreachable  # noqa: PLC0415 - as above
    from greenloop.forge.terminal import printable  # noqa: PLC0415 - as above
    from greenloop.model.abilities import chosen, keep  # noqa: PLC0415 - as above
    from greenloop.model.local.serving import Serving  # noqa: PLC0415 - as above
    from greenloop.model.own_keys import keyed  # noqa: PLC0415 - as above
    from greenloop.records.places import Places  # noqa: PLC0415 - as above

    plain, text = _settings(options)
    plain = replace(plain, models={}, fallback_models=())  # this model, and no other
    settings = keyed(plain, os.environ, text=text, given=options.api_base or "", model=options.model)
    places = Places.of(os.environ)

    def say(words: str) -> None:
        print(f"greenloop: {printable(words)}", file=sys.stderr)

    with Serving(places.cache, os.environ, progress=lambda event: say(event.detail)) as serving:
        found = probe(settings, os.environ, say, serving)
    keep(settings, found.scores, places.state, context=found.context or 0)
    if options.json:
        said = {**asdict(found), "best": found.best.style, "enough": found.enough, "edit_format": chosen(found.scores)}
        print(json.dumps(said, indent=2))
        return 0 if found.enough else ModelUnreachable.exit_code
    print(printable(f"{found.model}: {found.speed:.0f} tokens/s, ends with {', '.join(found.finishes)}"))
    unknown = "not known; `context_tokens` of a row under `providers` can say it"
    length = f"{found.context} tokens ({found.context_by})" if found.context else unknown
    print(f"  context length: {length}")
    for followed in found.followed:
        print(printable(f"  {followed.style}: {followed.right} of {len(TASKS)} {'; '.join(followed.wrong)}"))
    if found.enough:
        print(f"It follows `{found.best.style}` best. On this machine it is asked for: {ASKS[chosen(found.scores)]}.")
        return 0
    print("It is too weak: in no format did it do two of three tiny tasks. Take a larger model.")
    return ModelUnreachable.exit_code
