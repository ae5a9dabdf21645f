"""Flags that the commands on a checkout share, and the settings that they give."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

from greenloop.confined.options import add_choice
from greenloop.settings import Settings


def add(made: argparse.ArgumentParser, settings: Sequence[str]) -> None:
    """`settings` are the ones that a flag gives as well."""
    made.add_argument("--repo", type=Path, default=Path(), metavar="DIR", help="the checkout; default: here")
    made.add_argument("--base", metavar="REF", help="the commit to start from or compare with; default: HEAD")
    made.add_argument(
        "--check", action="append", default=[], dest="checks", metavar="NAME", help="only this check; repeatable"
    )
    made.add_argument(
        "--allow", action="append", default=[], metavar="PATTERN", help="a protected path that may change; repeatable"
    )
    add_choice(made)
    made.add_argument("--json", action="store_true", help="print the result as JSON on standard output")
    documentation = {f.name: f.metadata.get("doc", "") for f in fields(Settings)}
    for name in settings:
        flag = "--" + name.replace("_", "-")
        made.add_argument(flag, dest=f"set_{name}", metavar=name.upper(), help=documentation[name].replace("%", "%%"))


def overrides(options: argparse.Namespace) -> dict[str, Any]:
    """What the command line sets, by the name of the setting; the texts are parsed where YAML's are."""
    given = {k.removeprefix("set_"): v for k, v in vars(options).items() if k.startswith("set_") and v is not None}
    if options.checks:
        given["checks"] = tuple(options.checks)
    if options.allow:
        given["allow"] = tuple(options.allow)
    if getattr(options, "no_cache", False):
        given["cache_days"] = 0.0
    return given
