"""`greenloop doctor`, and what is remembered of it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

import program
from greenloop import push_tokens
from greenloop.commands import doctor
from greenloop.commands.doctor import Diagnosis
from greenloop.ports import Policy
from greenloop.sandbox import box, open_sandbox, run, trial
from greenloop.sandbox.remembered import Remembered, cache_folder
from greenloop.sandbox.trial import Probe, Trial

LEVEL = 3 if os.geteuid() == 0 else 2


def test_all_is_tried_and_told(tmp_path: Path) -> None:
    folder = tmp_path / push_tokens.FOLDER
    folder.mkdir(parents=True)
    (folder / "ask.yml").write_text("uses: o/greenloop@v1\nwith:\n  github_token: ${{ secrets.PAT }}\n", "utf-8")
    code, said = program.run_json("doctor", cwd=tmp_path)
    assert said["pushing"] == [
        push_tokens.WARNING.format(place=".github/workflows/ask.yml:3", token="${{ secrets.PAT }}")
    ]
    assert (code, said["healthy"], said["level"], said["highest"]) == (0, True, LEVEL, 3)
    assert said["sandbox"].startswith("namespaces: own process, network and file system namespaces")
    best, other = said["trials"]
    assert [best["backend"], best["works"], other["backend"]] == ["namespaces", True, "uid"]
    assert {probe["held"] for probe in best["attacks"]} == {True}
    assert len(best["attacks"]) >= 20
    limits = ["time", "memory", "processes", "files", "disk", "output", "nothing outlives the run"]
    assert [(probe["name"], probe["held"]) for probe in said["limits"]] == [(name, True) for name in limits]
    assert bool(said["next"]) == (LEVEL < 3)
    assert any("`model: local/…`" in line for line in said["model"])


REFUSED = Trial(
    backend="uid", works=False, reason="unavailable needs root, and more than one user in this user namespace"
)
HOLE = Trial(
    backend="namespaces",
    works=False,
    reason="unavailable an attack from inside works: mount",
    attacks=(Probe(name="mount", held=False), Probe(name="io_uring", held=True)),
)


def test_where_nothing_is_strong_enough_the_cure_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trial, "attempt", lambda backend: HOLE if backend == "namespaces" else REFUSED)
    found = doctor.diagnose(None, lambda _words: None)
    assert (found.level, found.healthy, found.limits) == (0, False, ())
    lines = list(doctor.shown(found))
    assert lines[:11] == [
        "sandbox: none",
        "level: 0 of 3, and not healthy",
        "",
        "ways of being confined, strongest first:",
        "  refused   namespaces: an attack from inside works: mount",
        "  refused   uid: needs root, and more than one user in this user namespace",
        "",
        "attacks from inside, in namespaces:",
        "  WORKS     mount",
        "  blocked   io_uring",
        "",
    ]
    assert lines[11] == "for the next level:"
    assert "  - use Linux 6.2 or later with Landlock (`lsm=` on the kernel's command line names it)" in lines


def test_a_limit_that_does_not_hold_is_no_health() -> None:
    loose = Probe(name="disk", held=False, detail="it ended by itself with 0")
    found = Diagnosis(level=1, sandbox="uid: x", trials=(REFUSED,), limits=(loose,), next=())
    assert not found.healthy
    assert "  NOT HELD  disk (it ended by itself with 0)" in list(doctor.shown(found))


def test_an_attack_that_works_is_told_apart_from_those_that_do_not(monkeypatch: pytest.MonkeyPatch) -> None:
    def once(*_args: object, **_words: object) -> None:
        raise run.Refused("unavailable an attack from inside works: mount, kernel keys")

    monkeypatch.setattr(run, "once", once)
    found = trial.attempt("namespaces")
    assert [probe.name for probe in found.attacks if not probe.held] == ["mount", "kernel keys"]
    assert not found.works


def test_what_worked_is_tried_first_the_next_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(box, "BACKENDS", ("broken", "namespaces"))
    tried: list[str] = []
    once = run.once

    def noted(backend: str, *args: object, **words: object) -> object:
        tried.append(backend)
        if backend == "broken":
            raise run.Refused("unavailable broken")
        return once(backend, *args, **words)  # type: ignore[arg-type]

    monkeypatch.setattr(run, "once", noted)
    for _ in range(2):
        open_sandbox(cache=tmp_path / "new").run(("true",), cwd=Path("/usr"), policy=Policy())
    assert tried == ["broken", "namespaces", "namespaces"]


def test_what_is_remembered_is_of_this_boot_and_never_more_than_an_order(tmp_path: Path) -> None:
    both = ("namespaces", "uid")
    memory = Remembered(tmp_path)
    memory.keep("uid")
    assert memory.order(both) == ("uid", "namespaces")
    assert Remembered(None).order(both) == both
    file = next(tmp_path.glob("sandbox-*.json"))
    for text in ("{", "[]", '{"works": ["x"]}', '{"works": "weak"}'):
        file.write_text(text)
        assert memory.order(both) == both
    file.unlink()
    file.mkdir()
    memory.keep("uid")  # cannot be kept, and that is no harm
    assert cache_folder({"HOME": "/h"}) == Path("/h/.cache/greenloop")
    assert cache_folder({"HOME": "/h", "XDG_CACHE_HOME": "/c"}) == Path("/c/greenloop")


OURS = "jobs: {a: {steps: [{uses: 'o/greenloop@v1', with: {GIVEN}}]}}\n"


@pytest.mark.parametrize(
    ("given", "token"),
    [
        ("model: m", None),
        ("github_token: ${{ github.token }}, model: m", None),
        ("github_token: '${{secrets.GITHUB_TOKEN}}'", None),
        ("github_token: ${{ secrets.PAT }}, model: m", "${{ secrets.PAT }}"),
        (
            "github_token: ${{ steps.app.outputs.token || github.token }}",
            "${{ steps.app.outputs.token || github.token }}",
        ),
        ("env: {'INPUT_GITHUB_TOKEN': '${{ secrets.GITHUB_TOKEN_2 }}'}", "${{ secrets.GITHUB_TOKEN_2 }}"),
        ("github_token: ghp_typed", "ghp_typed"),
        ("model: m # github_token: ${{ secrets.PAT }}", None),
    ],
)
def test_a_token_that_starts_workflows_is_warned_about(tmp_path: Path, given: str, token: str | None) -> None:
    folder = tmp_path / push_tokens.FOLDER
    folder.mkdir(parents=True)
    (folder / "b.yaml").write_text("env: {github_token: ${{ secrets.OTHER }}}\n", "utf-8")  # not about us
    (folder / "a.yml").write_text(OURS.replace("GIVEN", given), "utf-8")
    told = push_tokens.told(tmp_path)
    warning = push_tokens.WARNING.format(place=".github/workflows/a.yml:1", token=token)
    assert told == ((warning,) if token else (push_tokens.OWN,))


def test_where_nothing_is_pushed_nothing_is_said_of_tokens(tmp_path: Path) -> None:
    assert push_tokens.told(tmp_path) == ()
