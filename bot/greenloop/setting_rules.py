"""What settings must keep to beyond their types: limits, paths, commands. Pure: a `Settings` in, problems out."""

from __future__ import annotations

import math
import re
import shlex
from collections.abc import Iterator
from dataclasses import fields, replace
from pathlib import PurePosixPath
from urllib.parse import urlsplit

from greenloop import elsewhere, orders, patterns, provider_rules
from greenloop.report import branches
from greenloop.settings import Settings
from greenloop.yaml_document import Place

BUILT_IN = Settings().checks


def named(settings: Settings) -> tuple[str, ...]:
    """The checks that the settings ask for. Who describes a check under `commands` and names none has it run."""
    return (*settings.checks, *settings.commands) if settings.checks == BUILT_IN else settings.checks


NOT_POSITIVE = "`{key}` must be {least}, not {value}."
TESTS = "`tests` must be `first`, `after`, `never` or `auto`, not `{value}`."
MOST_CANDIDATES = 8
MANY = "`candidates` must be {most} or fewer, not {value}: each one is a call and a run of the tests."
NO_CHECKS = "`checks` is empty: then nothing is measured and nothing can be green. Name at least one of {known}."
UNKNOWN_CHECK = (
    "unknown check `{check}` in `checks`. Known: {known}. A check of your own is described under `commands`."
)
CHECK_TWICE = "`{check}` stands twice in `checks`."
TAKEN = "`commands.{check}` has the name of a check that is built in. Choose another."
CHECK_NAME = "`commands.{check}`: a check's name is 1 to 40 letters, digits, `-`, `_` or `.`."
FORMAT = "`commands.{check}.format` must be `junit`, `sarif`, `jest`, `go`, `cargo` or `exit`, not `{value}`."
NO_REPORT = "`commands.{check}` says `format: {format}` but not which file it writes. Add `report: …`."
PATH = "`{key}` must be a folder or file inside the repository, relative to its root, not `{value}`."
PATTERN = "`{key}`: the pattern `{pattern}` cannot be used: {why}."
WORDS = "`{key}` cannot be split into words: {why}."
NO_WORDS = "`{key}` is empty."
SHELL = "`{key}` holds `{word}`, which only a shell understands; there is none. Put the steps into a script."
ADDRESS = "`api_base` must be an address such as `http://127.0.0.1:8000/v1`, not `{value}`."
SERVICE = "`advisories` must be an address such as `https://api.osv.dev`, without user name or password, not `{value}`."
ELSEWHERE = (
    "`knowledge` names what lies in this repository, such as `docs/design`, or the address of another one, not "
    "`{value}`. For a folder of the machine: `greenloop generate --knowledge DIR`."
)
ADDRESSED = "The address in `knowledge` {why}."
ONE_OF = "`{key}` must be one of {known}, not `{value}`."
KEY_IN_ADDRESS = "`api_base` holds a user name or password. A key does not belong in an address; use GREENLOOP_API_KEY."

TITLE_STYLE = "`title_style` must be `auto` or `plain`, not `{value}`."
REVIEWER = "`reviewers` holds `{value}`, which is neither a login nor `organisation/team`."
LABEL = "`labels` holds `{value}`, which is no label: 1 to 50 characters in a line."

_REVIEWER = re.compile(r"@?[A-Za-z0-9][A-Za-z0-9_-]{0,99}(?:/[A-Za-z0-9][A-Za-z0-9._-]{0,99})?")
_WORDS = {"forks": ("patch", "pull_request", "push"), "signing": ("none", "github", "ssh")}
_MAY_BE_ZERO: frozenset[object] = frozenset(
    {
        ("criteria", "time"),
        ("criteria", "memory"),
        "max_cost",
        "cache_days",
        "daily_cost",
        "daily_tokens",
        "monthly_cost",
        "monthly_tokens",
        "lookups",
    }
)
_SHELL_WORDS = frozenset({"&&", "||", "|", ";", ">", ">>", "<", "2>&1", "&"})
_NAME = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.")


def normalised(settings: Settings) -> Settings:
    """`./pkg/` and `pkg` are one directory, `.` is the root."""
    plain = str(PurePosixPath(settings.directory)) if settings.directory else ""
    known = tuple(dict.fromkeys(p if "://" in p else str(PurePosixPath(p)) for p in settings.knowledge if p))
    return replace(settings, directory="" if plain == "." else plain, knowledge=known)


def problems(settings: Settings) -> Iterator[tuple[Place, str]]:
    """Each thing that cannot be, with the place of the setting."""
    yield from _limits(settings)
    yield from _tests(settings)
    yield from _candidates(settings)
    yield from _offered(settings)
    yield from _checks(settings)
    yield from _commands(settings)
    yield from _paths(settings)
    yield from _address(settings)
    yield from provider_rules.problems(settings)
    yield from _advisories(settings)
    yield from orders.problems(settings)
    for key, known in _WORDS.items():
        value = getattr(settings, key)
        if value not in known:
            yield (key,), ONE_OF.format(key=key, known=", ".join(f"`{word}`" for word in known), value=value)


def _tests(settings: Settings) -> Iterator[tuple[Place, str]]:
    if settings.tests not in {"first", "after", "never", "auto"}:
        yield ("tests",), TESTS.format(value=settings.tests[:40])


def _candidates(settings: Settings) -> Iterator[tuple[Place, str]]:
    if settings.candidates > MOST_CANDIDATES:
        yield ("candidates",), MANY.format(most=MOST_CANDIDATES, value=settings.candidates)


def _limits(settings: Settings) -> Iterator[tuple[Place, str]]:
    numbers: list[tuple[Place, object]] = [((f.name,), getattr(settings, f.name)) for f in fields(settings)]
    numbers += [(("commands", name, "timeout"), check.timeout) for name, check in settings.commands.items()]
    if settings.criteria:
        numbers += [
            (("criteria", part), getattr(settings.criteria, part))
            for part in ("complexity", "time", "memory", "coverage")
        ]
    if settings.prices:
        numbers += [(("prices", part), getattr(settings.prices, part)) for part in ("input", "output")]
    for place, value in numbers:
        if isinstance(value, bool) or not isinstance(value, int | float):
            continue
        zero = place[0] == "prices" or place[0] in _MAY_BE_ZERO or place in _MAY_BE_ZERO
        if not math.isfinite(value) or value < 0 or (value == 0 and not zero):
            least = "zero or more" if zero else "more than zero"
            yield (
                place,
                NOT_POSITIVE.format(key=".".join(map(str, place)), least=least, value=str(value).removesuffix(".0")),
            )


def _offered(settings: Settings) -> Iterator[tuple[Place, str]]:
    """What a pull request is like."""
    yield from ((("branch",), words) for words in branches.problems(settings.branch))
    if settings.title_style not in {"auto", "plain"}:
        yield ("title_style",), TITLE_STYLE.format(value=settings.title_style[:40])
    for i, name in enumerate(settings.reviewers):
        if not _REVIEWER.fullmatch(name):
            yield ("reviewers", i), REVIEWER.format(value=name[:60])
    for i, name in enumerate(settings.labels):
        if not name.strip() or len(name) > 50 or not name.isprintable():
            yield ("labels", i), LABEL.format(value=name[:60])


def _checks(settings: Settings) -> Iterator[tuple[Place, str]]:
    known = ", ".join(f"`{name}`" for name in (*BUILT_IN, *settings.commands))
    if not settings.checks:
        yield ("checks",), NO_CHECKS.format(known=known)
    for i, check in enumerate(settings.checks):
        if check not in BUILT_IN and check not in settings.commands:
            yield ("checks", i), UNKNOWN_CHECK.format(check=check, known=known)
        if check in settings.checks[:i]:
            yield ("checks", i), CHECK_TWICE.format(check=check)


def _commands(settings: Settings) -> Iterator[tuple[Place, str]]:
    for name, check in settings.commands.items():
        place: Place = ("commands", name)
        if name in BUILT_IN:
            yield place, TAKEN.format(check=name)
        if not 1 <= len(name) <= 40 or not set(name) <= _NAME:
            yield place, CHECK_NAME.format(check=name)
        if check.format not in {"junit", "sarif", "jest", "go", "cargo", "exit"}:
            yield (*place, "format"), FORMAT.format(check=name, value=check.format)
        elif check.format in {"junit", "sarif", "jest"} and not check.report:
            yield place, NO_REPORT.format(check=name, format=check.format)
        yield from _words((*place, "run"), check.run, required=True)
    if settings.criteria:
        yield from _words(("criteria", "benchmark"), settings.criteria.benchmark)
    yield from _words(("test_command",), settings.test_command)
    yield from _words(("install_command",), settings.install_command)


def _words(place: Place, command: str, *, required: bool = False) -> Iterator[tuple[Place, str]]:
    key = ".".join(map(str, place))
    try:
        words = shlex.split(command)
    except ValueError as error:
        yield place, WORDS.format(key=key, why=str(error).rstrip(".").lower())
        return
    if not words and (required or command):
        yield place, NO_WORDS.format(key=key)
    for word in words:
        if word in _SHELL_WORDS or (word.endswith(";") and word == words[0]):
            yield place, SHELL.format(key=key, word=word)
            return


def _knowledge(path: str) -> str:
    if not elsewhere.is_address(path):
        return "" if _inside(path) else ELSEWHERE.format(value=path)
    why = elsewhere.problem(path)
    return ADDRESSED.format(why=why) if why else ""


def _paths(settings: Settings) -> Iterator[tuple[Place, str]]:
    if settings.directory and not _inside(settings.directory):
        yield ("directory",), PATH.format(key="directory", value=settings.directory)
    for name, check in settings.commands.items():
        if check.report and not _inside(check.report):
            yield ("commands", name, "report"), PATH.format(key=f"commands.{name}.report", value=check.report)
    for i, path in enumerate(settings.knowledge):
        wrong = _knowledge(path)
        if wrong:
            yield ("knowledge", i), wrong
    for key in ("allow", "paths", "never_send"):
        for i, pattern in enumerate(getattr(settings, key)):
            why = patterns.problem(pattern)
            if why:
                yield (key, i), PATTERN.format(key=key, pattern=pattern, why=why)


def _inside(path: str) -> bool:
    """Whether a path stays below the root, by its text alone; links are the workspace's business."""
    parts = path.split("/")
    plain = "\\" not in path and path.isprintable()
    return plain and not path.startswith(("/", "~")) and ".." not in parts and parts[0].lower() != ".git"


def _advisories(settings: Settings) -> Iterator[tuple[Place, str]]:
    value = settings.advisories
    try:
        address = urlsplit(value)
    except ValueError:
        address = urlsplit("")
    plain = address.scheme in {"http", "https"} and address.hostname and not (address.username or address.password)
    if value and not (plain and value.isprintable()):
        yield ("advisories",), SERVICE.format(value=address.hostname or "this")


def _address(settings: Settings) -> Iterator[tuple[Place, str]]:
    if not settings.api_base:
        return
    try:
        address = urlsplit(settings.api_base)
    except ValueError:
        yield ("api_base",), ADDRESS.format(value=settings.api_base)
        return
    if address.username or address.password:
        yield ("api_base",), KEY_IN_ADDRESS
    elif address.scheme not in {"http", "https"} or not address.hostname or not settings.api_base.isprintable():
        yield ("api_base",), ADDRESS.format(value=settings.api_base)
