"""What a fresh machine meets: `.ci/set-up` run for real with a PATH that lacks something, and the locks it installs."""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
TOOLS = ("sh", "cat", "dirname", "sha256sum", "rm", "env", "git")
REAL = Path(getattr(sys, "_base_executable", sys.executable))

BACKEND = """
import zipfile

def build_editable(directory, config_settings=None, metadata_directory=None):
    name = "stub-1-py3-none-any.whl"
    with zipfile.ZipFile(directory + "/" + name, "w") as wheel:
        wheel.writestr("greenloop_stub.py", "")
        wheel.writestr("stub-1.dist-info/METADATA", "Metadata-Version: 2.1\\nName: stub\\nVersion: 1\\n")
        wheel.writestr("stub-1.dist-info/WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
        wheel.writestr("stub-1.dist-info/RECORD", "")
    return name
"""


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """A checkout in a folder with a space, and beside it a `bin` that is all there is on this machine's PATH."""
    root = tmp_path / "a checkout"
    (root / ".ci").mkdir(parents=True)
    for name in (".ci/set-up", "requirements.lock", "requirements-dev.lock", "pyproject.toml"):
        shutil.copy(ROOT / name, root / name)
    (tmp_path / "bin").mkdir()
    for name in TOOLS:
        (tmp_path / "bin" / name).symlink_to(str(shutil.which(name)))
    return root


def program(root: Path, name: str, text: str) -> None:
    path = root.parent / "bin" / name
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


def set_up(root: Path, mode: str = "run", **environment: str) -> tuple[int, str]:
    done = subprocess.run(
        ["sh", str(root / ".ci/set-up"), mode],
        env={"PATH": str(root.parent / "bin"), **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def test_what_is_missing_is_said_with_its_cure(machine: Path) -> None:
    code, said = set_up(machine)
    assert code == 1
    assert said == (
        'greenloop: "python3" is not there. Install Python 3.11 or newer (Debian, Ubuntu: apt-get install python3 '
        "python3-venv) or name one: make PYTHON=/path/to/python3.12 …\n"
    )

    program(machine, "python3", 'case "$2" in *_base_executable*) echo "$0";; *%d*) echo 3.9.2;; *) exit 1;; esac')
    code, said = set_up(machine)
    assert code == 1
    assert said == (
        f"greenloop: {machine.parent}/bin/python3 is Python 3.9.2, and greenloop needs 3.11 or newer. "
        "Install one and name it: make PYTHON=/path/to/python3.12 …\n"
    )

    # Debian's python3 without python3-venv: everything is there but ensurepip
    no_pip = f'case "$2" in *_base_executable*) echo "$0";; *ensurepip*) exit 1;; *) exec "{REAL}" "$@";; esac'
    program(machine, "python3", no_pip)
    code, said = set_up(machine)
    assert code == 1
    assert re.fullmatch(
        r"greenloop: \S+ \(Python 3\.\d+\.\d+\) has no venv with pip\. "
        r"Install it \(Debian, Ubuntu: apt-get install python3-venv\)\.\n",
        said,
    ), said

    (machine.parent / "bin/git").unlink()
    code, said = set_up(machine)
    assert (code, said) == (1, "greenloop: git is not there. Install it (Debian, Ubuntu: apt-get install git).\n")
    assert not (machine / ".venv").exists()


def test_set_up_is_instant_when_done_and_anew_after_a_lock_changed_or_was_not_kept(machine: Path) -> None:
    """The real script and pip, with locks that need no index: an empty one, then one that its wheel does not match."""
    (machine / "requirements.lock").write_text("")
    (machine / "requirements-dev.lock").write_text("")
    (machine / "backend.py").write_text(BACKEND)
    (machine / "pyproject.toml").write_text(
        '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]'
    )
    python = {"PYTHON": sys.executable}  # in a virtual environment of its own: the interpreter behind it is what counts
    code, said = set_up(machine, "dev", **python)
    assert (code, bool(re.fullmatch(r"Setting up \.venv with Python [0-9.]+: .*\n", said))) == (0, True), said
    tried = [machine / ".venv/bin/python", "-c", "import greenloop_stub"]
    subprocess.run([str(word) for word in tried], check=True)
    left = machine / ".venv/left"
    left.touch()
    for mode in ("dev", "run"):
        assert set_up(machine, mode, **python) == (0, "")
    with (machine / "pyproject.toml").open("a") as file:
        file.write("\n# changed\n")
    assert set_up(machine, "dev", **python) == (0, "")
    assert left.exists()  # greenloop itself was installed again, nothing else

    shelf = machine.parent / "shelf"
    shelf.mkdir()
    (shelf / "impostor-1.0-py3-none-any.whl").write_bytes(b"PK")
    (machine / "requirements.lock").write_text(f"impostor==1.0 --hash=sha256:{hashlib.sha256(b'real').hexdigest()}\n")
    offline = python | {"PIP_FIND_LINKS": str(shelf), "PIP_INDEX_URL": shelf.as_uri()}
    for _ in range(2):  # what failed the first time is not taken for made the second time
        code, said = set_up(machine, "run", **offline)
        assert (code, "THESE PACKAGES DO NOT MATCH THE HASHES" in said) == (1, True), said
        assert said.endswith(
            "greenloop: this could not be installed into .venv: --require-hashes --only-binary=:all: --requirement "
            "requirements.lock. The reason is above; is the package index within reach?\n"
        )
        assert ("Setting up .venv" in said, left.exists()) == (True, False)


def pinned(name: str) -> dict[str, str]:
    """Distribution → version of a lock file. Every line that is not such a pin, a hash or a comment is a fault."""
    versions = {}
    for line in (ROOT / name).read_text().splitlines():
        pin = re.fullmatch(r"([a-z0-9-]+)==([^ ]+)( ; .*)? \\", line)
        if pin:
            versions[pin[1]] = pin[2]
        else:
            assert re.fullmatch(r"    --hash=sha256:[0-9a-f]{64}( \\)?|    # .*", line), line
    return versions


def test_the_locks_hold_what_pyproject_asks_for_from_no_other_index() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    run, dev = pinned("requirements.lock"), pinned("requirements-dev.lock")
    asked = [*project["project"]["dependencies"], *project["project"]["optional-dependencies"]["litellm"]]
    asked += project["build-system"]["requires"]
    for text in asked:
        requirement = Requirement(text)
        assert requirement.specifier.contains(run[canonicalize_name(requirement.name)]), text
    for text in project["dependency-groups"]["dev"]:
        requirement = Requirement(text)
        assert requirement.specifier.contains(dev[canonicalize_name(requirement.name)]), text
    assert run.items() <= dev.items()  # `make test` after `make demo` only adds
