"""YAML and flags → settings, and every way in which they can be wrong."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from dataclasses import FrozenInstanceError, replace
from pathlib import Path
from typing import Any

import pytest

from greenloop.configuration import load
from greenloop.errors import Misconfigured
from greenloop.setting_rules import NO_CHECKS, PATH, SHELL
from greenloop.setting_values import CommandCheck, Prices
from greenloop.settings import Settings

WHOLE = """
model: hosted/some-model        # a comment
attempts: 2
max_cost: 1
prices: {input: 0.5, output: 2}
checks: [pytest, jest]
commands:
  jest: {run: npx jest, report: out/junit.xml, format: junit, timeout: 30}
  make: {run: make lint}
test_command: "python -m pytest -k 'a and b'"
directory: ./packages/one/
allow: ['tests/**']
tidy: false
"""


def test_defaults_import_neither_yaml_nor_pydantic() -> None:
    code = (
        "import sys; from greenloop.configuration import load;"
        "a = load(None); b = load('', overrides={'attempts': '3', 'allow': ('x',), 'tidy': 'false', 'max_cost': '1'});"
        "print(a.attempts, b.attempts, b.tidy, b.max_cost, {'yaml', 'pydantic'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout == "4 3 False 1 set()\n"


def test_a_whole_file() -> None:
    settings = load(WHOLE)
    assert settings == replace(
        Settings(),
        model="hosted/some-model",
        attempts=2,
        max_cost=1.0,
        prices=Prices(input=0.5, output=2.0),
        checks=("pytest", "jest"),
        commands={
            "jest": CommandCheck(run="npx jest", report="out/junit.xml", format="junit", timeout=30.0),
            "make": CommandCheck(run="make lint"),
        },
        test_command="python -m pytest -k 'a and b'",
        directory="packages/one",
        allow=("tests/**",),
        tidy=False,
    )
    with pytest.raises(TypeError):
        settings.commands["x"] = CommandCheck(run="x")  # type: ignore[index]
    with pytest.raises(FrozenInstanceError):
        settings.attempts = 5  # type: ignore[misc]
    for empty in (None, "", " \n", "# nothing\n", "---\n", "{}\n", "null\n"):
        assert load(empty) == Settings()
    assert load("directory: .\n") == Settings()


def test_flags_win_over_the_file() -> None:
    flags = {
        "attempts": "7",
        "max_minutes": 5,
        "checks": ("make",),
        "tidy": "true",
        "prices": '{"input": 1, "output": 2}',
    }
    settings = load(WHOLE, overrides=flags)
    assert (settings.attempts, settings.max_minutes, settings.checks, settings.tidy) == (7, 5.0, ("make",), True)
    assert settings.prices == Prices(input=1.0, output=2.0)
    assert settings.model == "hosted/some-model"


def test_a_model_given_as_a_flag_is_the_one_for_changes() -> None:
    text = "model: a/b\nmodels: {edit: large, chat: small}\n"
    given = load(text, overrides={"model": "c/d"})
    assert (given.model, given.models) == ("c/d", {"chat": "small"})
    assert load(text).models == {"edit": "large", "chat": "small"}
    assert load(text, overrides={"model": "", "attempts": "2"}).models == {"edit": "large", "chat": "small"}


F = ".github/greenloop.yml"
WRONG = {
    entry["text"]: entry["told"].replace("{file}", F)
    for entry in tomllib.loads(Path(__file__).with_name("wrong.toml").read_text(encoding="utf-8"))["wrong"]
}
WRONG["[" * 501] = WRONG["- " * 5000] = f"{F}: nested too deeply. Settings have at most three levels."
WRONG["#" * 65_537] = f"{F}: 65537 characters are more than settings need (at most 65536). Shorten the file."


@pytest.mark.parametrize(("text", "told"), WRONG.items(), ids=[key[:30].replace("\n", "|") for key in WRONG])
def test_what_is_wrong_is_told_with_its_line(text: str, told: str) -> None:
    with pytest.raises(Misconfigured) as error:
        load(text)
    assert str(error.value) == told
    assert error.value.exit_code == 2


@pytest.mark.parametrize("directory", ["../x", "/x", "a/../../x", "~/x", ".git", ".GIT/hooks", "a\\b", "a\x07"])
def test_a_directory_stays_inside(directory: str) -> None:
    with pytest.raises(Misconfigured) as error:
        load(None, overrides={"directory": directory})
    problem = PATH.format(key="directory", value=directory)
    assert str(error.value) == f"--directory: {problem}"


@pytest.mark.parametrize(
    ("flags", "told"),
    [
        ({"max_cost": "-1"}, "--max-cost: `max_cost` must be zero or more, not -1."),
        ({"max_cost": "a"}, '--max-cost: `max_cost` must be a number, not `"a"`. Example: `max_cost: 2.0`'),
        ({"max_cost": "NaN"}, '--max-cost: `max_cost` must be a number, not `"NaN"`. Example: `max_cost: 2.0`'),
        ({"attempts": "1e999"},
         "--attempts: `attempts` must be a whole number, not `Infinity`. Example: `attempts: 4`"),
        ({"attempts": True}, "--attempts: `attempts` must be a whole number, not `true`. Example: `attempts: 4`"),
        ({"test_command": "a | b"}, "--test-command: " + SHELL.format(key="test_command", word="|")),
        ({"checks": ()}, "--check: " + NO_CHECKS.format(known="`ruff`, `pytest`, `bandit`, `integrity`")),
        ({"allow": (1,)}, "--allow: `allow.0` must be text, not `1`. Example: `allow: ['tests/**']`"),
        ({"allow": ("../x",)},
         "--allow: `allow`: the pattern `../x` cannot be used: `..` leads out of the repository."),
        ({"atempts": "1"}, "--atempts: unknown setting `atempts`. Did you mean `attempts`?"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_flag_names_the_flag(flags: dict[str, Any], told: str) -> None:
    for text in (None, "model: x\n"):
        with pytest.raises(Misconfigured) as error:
            load(text, overrides=flags)
        assert str(error.value) == told


def test_many_problems_are_told_at_once_but_not_all() -> None:
    with pytest.raises(Misconfigured) as error:
        load("".join(f"zz{i}: 1\n" for i in range(13)))
    lines = str(error.value).splitlines()
    assert len(lines) == 11
    assert lines[9].startswith(f"{F}:10: unknown setting `zz9`. Known here: model, api_base, models,")
    assert lines[10] == "… and 3 more."
    assert "api_key" not in lines[0]


def test_another_name_of_the_file() -> None:
    with pytest.raises(Misconfigured, match=r"^other\.yml:1: unknown setting `x`"):
        load("x: 1", name="other.yml")


def test_the_key_is_in_no_text() -> None:
    settings = replace(Settings(), api_key="sk-secret")
    assert "secret" not in repr(settings)
