"""Files that configure the checks under any name: what ruff extends, what options and commands name."""

from __future__ import annotations

import pytest

from greenloop.engine.leading import led_to
from greenloop.ports import Change
from greenloop.setting_values import CommandCheck, Criteria
from greenloop.settings import Settings
from greenloop.verdict.protect import guard

FILES = {
    "ruff.toml": 'extend = "lint/common.toml"\n[lint.per-file-ignores]\n"app/product.py" = ["F401"]\n',
    "lint/common.toml": 'extend = "../base.toml"\n',
    "base.toml": 'extend = "lint/common.toml"\n',
    "app/pyproject.toml": '[tool.ruff]\nextend = "own.toml"\n[tool.pytest.ini_options]\n'
    'addopts = ["--cov-config", "cover.ini", "app/product.py"]\n',
    "app/own.toml": "broken [",
    "app/cover.ini": "",
    "setup.cfg": "[tool:pytest]\naddopts = -ra --cov=app --cov-config=.cover/rc -c more.ini\n",
    ".cover/rc": "",
    "more.ini": "",
    "app/product.py": "",
    "app/test.sh": "",
    "scripts/all.sh": "",
    "tools/check.py": "",
    "tools/config.json": "",
    "outside.toml": "",
}


def led(**given: object) -> set[str]:
    settings = Settings(**given)  # type: ignore[arg-type]
    return set(led_to(FILES, lambda path: FILES[path].encode() if path in FILES else None, settings))


ALWAYS = {"lint/common.toml", "base.toml", "app/own.toml", "app/cover.ini", ".cover/rc", "more.ini"}


@pytest.mark.parametrize(
    ("command", "named"),
    [
        ("", set()),
        ("python -m pytest app/product.py --doctest-modules", set()),
        ("sh scripts/all.sh app/product.py", {"scripts/all.sh"}),
        ("./scripts/all.sh", {"scripts/all.sh"}),
        (
            "X=1 env python3.12 -X dev tools/check.py app/product.py --config tools/config.json",
            {"tools/check.py", "tools/config.json"},
        ),
        ("timeout 5m coverage run tools/check.py app/product.py", {"tools/check.py"}),
        ("uv run python tools/check.py --config=tools/config.json", {"tools/check.py", "tools/config.json"}),
        ("sh test.sh", {"app/test.sh"}),
        ("no 'end", set()),
    ],
)
def test_what_the_checks_are_led_to(command: str, named: set[str]) -> None:
    assert led(test_command=command, directory="app") == ALWAYS | named
    assert led(commands={"own": CommandCheck(run=command or "x")}, directory="app") == ALWAYS | named
    assert led(criteria=Criteria(benchmark=command), directory="app") == ALWAYS | named


def test_it_is_put_back_as_configuration_is() -> None:
    change = Change(path="lint/common.toml", status="M", lines=frozenset({1}), removed=1)
    for settings, put_back in ((Settings(), ("lint/common.toml",)), (Settings(allow=("lint/**",)), ())):
        made = guard((change,), request="", settings=settings, led=frozenset({"lint/common.toml"}))
        assert made.restored == put_back
        assert made.permitted == (() if put_back else ("lint/common.toml",))
    told = guard((change,), request="", settings=Settings(), led=frozenset({"lint/common.toml"})).notes[0].message
    assert told == (
        "lint/common.toml is what the checks' configuration or command leads to; the change to it was put back."
    )
    assert guard((change,), request="", settings=Settings()).restored == ()
