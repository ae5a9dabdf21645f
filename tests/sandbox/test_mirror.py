"""A Python where another user may not go: laid where it may, by second names, and only a Python."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from greenloop.ports import Policy
from greenloop.sandbox import mirror, run
from greenloop.sandbox.run import Refused


@pytest.fixture
def home() -> Iterator[Path]:
    """A folder that only its owner may enter, and not among the temporary ones, which greenloop opens itself."""
    folder = Path(tempfile.mkdtemp(prefix="greenloop-test-", dir="/var/tmp"))
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(autouse=True)
def _temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))


def python(home: Path) -> Path:
    """What looks like an installed Python, and an environment that borrows it."""
    real, own = home / "python", home / "own"
    for folder in (real / "bin", real / "lib" / "python3.11", own / "bin", own / "lib"):
        folder.mkdir(parents=True)
    (real / "lib" / "python3.11" / "os.py").write_text("os")
    (real / "lib" / "python3.11" / "secret").write_text("closed by a mask")
    (real / "lib" / "python3.11" / "secret").chmod(0o600)
    (real / "lib" / "libpython3.11.so.1.0").write_text("library")
    (real / "bin" / "python3").write_text("program")
    (real / "bin" / "python3").chmod(0o755)
    os.mkfifo(real / "pipe")
    (own / "bin" / "python3").symlink_to(real / "bin" / "python3")
    (own / "bin" / "python").symlink_to("python3")
    (own / "bin" / "tool").write_text(f"#!{own}/bin/python3\nprint()\n")
    (own / "bin" / "tool").chmod(0o700)
    (own / "pyvenv.cfg").write_text(f"home = {real}/bin\nversion = 3\n")
    return own


def test_it_has_the_same_files_and_names_the_new_place(home: Path, tmp_path: Path) -> None:
    own, real = python(home), home / "python"
    (home / "own").chmod(0o755)
    now = mirror.moved((str(real), str(own), "/usr"))
    assert set(now.places) == {str(real), str(own)}
    new, env = Path(now.places[str(real)]), Path(now.places[str(own)])
    assert {path.parent for path in (new, env)} == {tmp_path}
    assert (new / "bin/python3").read_text() == "program"
    if new.stat().st_dev == real.stat().st_dev:
        assert (new / "bin/python3").samefile(real / "bin/python3")  # a second name
    library = new / "lib/python3.11/secret"
    assert (library.read_text(), stat.S_IMODE(library.stat().st_mode)) == ("closed by a mask", 0o644)
    assert stat.S_IMODE((real / "lib/python3.11/secret").stat().st_mode) == 0o600
    assert not (new / "pipe").exists()
    assert (env / "bin/python3").resolve() == (new / "bin/python3").resolve()
    assert (env / "bin/python").readlink() == Path("python3")
    assert (env / "bin/tool").read_text() == f"#!{env}/bin/python3\nprint()\n"
    assert stat.S_IMODE((env / "bin/tool").stat().st_mode) == 0o744
    assert (env / "pyvenv.cfg").read_text() == f"home = {new}/bin\nversion = 3\n"
    assert {stat.S_IMODE(folder.stat().st_mode) for folder in (new, env, new / "lib", env / "bin")} == {0o755}
    assert now.word(f"{own}/bin:/usr/bin:{own}x") == f"{env}/bin:/usr/bin:{own}x"
    assert now.libraries == f"{new}/lib"
    assert mirror.moved((str(real), str(own))).places == now.places  # laid once
    (real / "bin" / "new").touch()
    assert mirror.moved((str(real),)).places != {str(real): str(new)}  # something was installed


def test_what_is_no_python_or_open_is_left_where_it_is(home: Path, tmp_path: Path) -> None:
    private, own = home / "private", python(home)
    private.mkdir()
    assert mirror.moved((str(private), "/usr")).places == {}
    home.chmod(0o755)
    assert mirror.moved((str(home / "python"), str(own))).places == {}
    assert list(tmp_path.iterdir()) == []


def test_what_somebody_else_has_put_there_is_not_taken(home: Path, tmp_path: Path) -> None:
    own = str(python(home))
    place = Path(mirror.moved((own,)).places[own])
    place.chmod(0o777)
    with pytest.raises(PermissionError, match="is not ours"):
        mirror.moved((own,))
    shutil.rmtree(place)
    (tmp_path / "theirs").mkdir()
    place.symlink_to(tmp_path / "theirs")
    with pytest.raises(PermissionError, match="is not ours"):
        mirror.moved((own,))
    assert list((tmp_path / "theirs").iterdir()) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_a_python_below_a_closed_home_runs_as_another_user(
    here: Any, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", "/tmp")  # noqa: S108 - what was laid for our own Python stays
    venv = home / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", venv], check=True)
    program = "import os, sqlite3, subprocess, sys\nprint(os.getuid() != 0, sys.prefix == os.environ['VIRTUAL_ENV'])\n"
    program += "subprocess.run(['python', '-c', 'import sys; print(sys.prefix != sys.base_prefix)'], check=True)"
    policy = Policy(
        readable=(venv,), writable=(here.work,), path=(venv / "bin",), environment={"VIRTUAL_ENV": str(venv)}
    )
    words = (str(venv / "bin" / "python"), "-c", program)
    done, _hold = run.once("uid", words, cwd=here.work, policy=policy, stopped=lambda: False)
    assert (done.stderr, sorted(done.stdout.split())) == ("", ["True"] * 3)
    (home / "notes").write_text("private")
    with pytest.raises(Refused, match=f"unusable {home / 'notes'}"):
        run.once("uid", words, cwd=here.work, policy=Policy(readable=(home / "notes",)), stopped=lambda: False)
