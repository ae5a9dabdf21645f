"""What an environment is kept under, and how long."""

from __future__ import annotations

import fcntl
import os
import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from greenloop.environment import shelf
from greenloop.environment.build import Builder
from greenloop.environment.manifests import read
from greenloop.ports import Sandbox
from greenloop.settings import Settings

Lay = Callable[..., Path]


def test_every_part_of_the_key_counts(
    lay: Lay, sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def spot(files: dict[str, str], settings: Settings) -> str:
        folder = lay(f"tree{len(seen)}", files)
        builder = Builder(cache=tmp_path, settings=settings, sandbox=sandbox, outside={}, say=print)
        return builder.spot(folder, read(folder, settings.directory)).folder.name

    seen: list[str] = []
    settings = Settings(install_command="python setup.sh")
    files = {"requirements.txt": "a\n", "setup.sh": "one"}
    seen.append(spot(files, settings))
    assert spot(files, settings) == seen[0]
    assert spot({**files, "a.py": "other"}, settings) == seen[0]  # code is no part
    seen.append(spot({**files, "requirements.txt": "a\n\n"}, settings))
    seen.append(spot({**files, "setup.sh": "two"}, settings))
    seen.append(spot({**files, "Makefile": "all:\n"}, settings))
    seen.append(spot(files, replace(settings, install_command="python  setup.sh")))
    seen.append(spot(files, Settings()))
    seen.append(spot(files, replace(settings, directory=".")))
    monkeypatch.setattr(sys, "version", "3.99.0 (another build)")
    seen.append(spot(files, settings))
    assert len(set(seen)) == len(seen)


def test_another_build_is_waited_for_and_old_ones_go(tmp_path: Path) -> None:
    old, other = shelf.place(tmp_path, "old"), shelf.place(tmp_path, "other")
    for spot in (old, other):
        spot.layer.mkdir(parents=True)
        spot.finish(("a==1",))
    os.utime(old.folder / "ready", (1, 1))
    place = shelf.place(tmp_path, "new")
    said: list[str] = []
    found: list[bool] = []
    asked = threading.Event()

    def say(text: str) -> None:
        said.append(text)
        asked.set()

    def build() -> None:
        with shelf.building(place, say) as needed:
            found.append(needed)

    with (tmp_path / "environments" / "new.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        thread = threading.Thread(target=build)
        thread.start()
        assert asked.wait(30)
    thread.join()
    assert (said, found) == (["waiting for another run that builds the same environment"], [True])
    assert (old.folder.exists(), other.is_ready(), other.pins()) == (False, True, ("a==1",))
