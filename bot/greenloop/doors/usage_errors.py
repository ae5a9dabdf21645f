"""argparse, whose errors name the command that they are of and what was probably meant."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Sequence
from difflib import get_close_matches
from typing import Any, NoReturn

_CHOICE = re.compile(r"invalid choice: '(?P<given>[^']*)' \(choose from (?P<known>.*)\)", re.DOTALL)
_LIKE = 0.6


class Parser(argparse.ArgumentParser):
    """Its sub-commands are of this class as well."""

    def parse_known_args(self, args: Sequence[str] | None = None, namespace: Any = None) -> tuple[Any, list[str]]:  # type: ignore[override]  # noqa: ANN401 - as argparse has it
        """What a sub-command does not know is refused by itself: its own usage is shown, and not that of the whole."""
        found, unknown = super().parse_known_args(args, namespace)
        if unknown:
            self.error(f"unrecognized arguments: {' '.join(unknown)}{self._meant(unknown[0])}")
        return found, unknown

    def error(self, message: str) -> NoReturn:
        """The end, with exit code 2. Who says nothing is told what can be said."""
        if message.endswith("required: COMMAND"):
            self.print_help(sys.stderr)
            self.exit(2)
        chosen = _CHOICE.search(message)
        if chosen:
            message += _nearest(chosen["given"], re.findall(r"[\w-]+", chosen["known"]))
        super().error(f"{message}\nMore: {self.prog} --help")

    def _meant(self, unknown: str) -> str:
        return _nearest(unknown.partition("=")[0], list(self._option_string_actions))


def _nearest(given: str, known: Sequence[str]) -> str:
    near = get_close_matches(given, known, n=1, cutoff=_LIKE)
    return f". Did you mean {near[0]}?" if near else ""
