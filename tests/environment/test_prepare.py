"""The base commit's environment: what is detected, how it is installed, and what is kept."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from itertools import count
from pathlib import Path

import pytest

from fakes.package_index import PASSWORD, PYTEST, Index, importable
from greenloop.environment import NO_DIRECTORY, NO_INTERPRETER, OLD_PYTHON, OWN, prepare
from greenloop.errors import BrokenEnvironment, Misconfigured
from greenloop.ports import Environment, Progress, Sandbox
from greenloop.settings import Settings

Lay = Callable[..., Path]
SETTINGS = Settings()
PROJECT = """
[project]
name = "target"
version = "1.5"
dependencies = ["alpha"]
[project.optional-dependencies]
test = ["target[more]", "pytest"]
more = ["beta>=1"]
docs = ["never"]
[project.scripts]
target-cli = "target.main:run"
[project.entry-points.pytest11]
target = "target.plugin"
[dependency-groups]
tests = [{include-group = "lint"}]
lint = ["gamma"]
other = ["never"]
"""


class Told:
    """A progress callback that keeps what it was told."""

    def __init__(self) -> None:
        self.details: list[str] = []

    def __call__(self, progress: Progress) -> None:
        assert progress.phase == "environment"
        self.details.append(progress.detail)


@pytest.fixture
def make(tmp_path: Path, sandbox: Sandbox) -> Callable[..., Environment]:
    def prepared(folder: Path, settings: Settings = SETTINGS, told: Told | None = None) -> Environment:
        return prepare(folder, settings, cache=tmp_path / "cache", sandbox=sandbox, progress=told or Told())

    return prepared


def test_nothing_detected_installs_nothing_and_needs_no_network(
    make: Callable[..., Environment], lay: Lay, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")  # nothing can be started either
    own = Environment(python=Path(sys.executable), path=(Path(sys.executable).parent,), note=OWN)
    assert make(lay("bare", {"a.py": ""})) == own
    plain = lay("plain", {"pyproject.toml": "[project]\nname='x'\nrequires-python='>=3.11'\n", "src/x.py": ""})
    assert make(plain) == replace(own, sources=("src", ""))
    none = replace(SETTINGS, install_command="none")
    assert make(lay("none", {"requirements.txt": "alpha\n", "lib/setup.py": ""}), none) == own
    assert not (tmp_path / "cache").exists()


def test_requirements_files(make: Callable[..., Environment], lay: Lay, index: Index) -> None:
    for name in ("alpha", "beta", "gamma", "delta", "epsilon"):
        index.wheel(name, "1.0", requires=("shared",))
    index.wheel("alpha", "2.0")
    index.wheel("shared", "1.0")
    folder = lay(
        "tree",
        {
            "requirements.txt": "-r deps/more.txt\n-c limits.txt\nalpha  # below the limit\n-e .[extra]\n",
            "deps/more.txt": "beta \\\n  >=1\n-r ../requirements.txt\n--no-binary :all:\n",
            "limits.txt": "alpha<2\n",
            "requirements-dev.txt": "gamma ; python_version > '3'\n./libs/helper\n",
            "libs/helper/pyproject.toml": "[project]\nname='helper'\ndependencies=['epsilon']\n",
            "libs/helper/src/helper.py": "",
            "setup.py": "raise SystemExit('never run')",
            "pyproject.toml": "[project]\nname='tree'\n[project.optional-dependencies]\nextra=['delta']\n",
        },
    )
    told = Told()
    environment = make(folder, told=told)
    assert importable(environment) == {"alpha", "beta", "gamma", "delta", "epsilon", "shared", "pytest"}
    assert environment.note == "requirements.txt, requirements-dev.txt"
    assert environment.sources == ("", "libs/helper/src", "libs/helper")
    assert environment.path == (environment.python.parent,)
    assert environment.readable == (environment.python.parent.parent,)
    assert told.details[0] == "installing from requirements.txt, requirements-dev.txt"
    spot = environment.python.parents[2]
    pins = json.loads((spot / "ready").read_text())
    assert pins[0] == "alpha==1.0"
    assert f"pytest=={PYTEST}" in pins


def test_project_with_a_test_extra_and_a_group(make: Callable[..., Environment], lay: Lay, index: Index) -> None:
    for name in ("alpha", "beta", "gamma", "never", "target"):
        index.wheel(name, "1.0")
    files = {"pyproject.toml": PROJECT, "requirements.txt": "never\n", "src/target/__init__.py": "", "uv.toml": ""}
    environment = make(
        lay("tree", {f"packages/one/{k}": v for k, v in files.items()}), Settings(directory="packages/one")
    )
    assert importable(environment) == {"alpha", "beta", "gamma", "pytest"}
    assert environment.note == "pyproject.toml [test] [tests]"
    assert environment.sources == ("packages/one/src", "packages/one")
    script = environment.python.with_name("target-cli").read_text()
    assert script == f"#!{environment.python}\nimport sys\nfrom target.main import run\nsys.exit(run())\n"
    code = (
        "from importlib.metadata import version, entry_points;"
        "print(version('target'), [e.value for e in entry_points(group='pytest11')])"
    )
    done = subprocess.run([environment.python, "-I", "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout == "1.5 ['target.plugin']\n"


def test_lock_file(make: Callable[..., Environment], lay: Lay, index: Index) -> None:
    for name in ("alpha", "beta", "gamma"):
        index.wheel(name, "1.0")
    folder = lay(
        "tree",
        {
            "pyproject.toml": PROJECT.replace('"target[more]", "pytest"', '"beta"').replace("never", "beta")
            + "[tool.uv.sources]\nmember = {workspace = true}\n[tool.uv.workspace]\nmembers = ['member']\n",
            "member/pyproject.toml": "[project]\nname='member'\nversion='1'\n",
            "member/src/member.py": "",
        },
    )
    import uv  # noqa: PLC0415 - the lock is made here

    subprocess.run([uv.find_uv_bin(), "-q", "lock"], cwd=folder, check=True)
    for name in ("alpha", "beta", "gamma"):
        index.wheel(name, "2.0")
    environment = make(folder)
    assert importable(environment) == {"alpha", "beta", "gamma", "pytest"}
    assert environment.note == "uv.lock"
    assert set(environment.sources) == {"", "member/src", "member"}
    pins = json.loads((environment.python.parents[2] / "ready").read_text())
    assert [pin for pin in pins if pin.endswith("==1.0")] == ["alpha==1.0", "beta==1.0", "gamma==1.0"]
    (folder / "uv.lock").write_text("version = 1\nrevision = [")
    with pytest.raises(BrokenEnvironment, match=r"^The target's dependencies \(uv\.lock\) could not be installed:"):
        make(folder)


def test_built_once_and_again_when_broken_or_different(
    make: Callable[..., Environment], lay: Lay, index: Index, tmp_path: Path
) -> None:
    index.wheel("alpha", "1.0")
    folder = lay("tree", {"requirements.txt": "alpha\n"})
    made: list[Environment] = []
    threads = [threading.Thread(target=lambda: made.append(make(folder))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert made == [made[0]] * 3
    first = made[0]
    mark = first.python.parents[1] / "mark"
    mark.touch()
    assert make(folder) == first
    assert mark.exists()  # the cached one
    (first.python.parents[2] / "ready").unlink()  # as after a kill
    assert make(folder) == first
    assert not mark.exists()
    first.python.unlink()  # as after an upgrade of Python
    assert make(folder) == first
    (folder / "requirements.txt").write_text("alpha==1.0\n")
    other = make(folder)
    assert other.python != first.python
    assert len(list((tmp_path / "cache" / "environments").glob("*/ready"))) == 2


def test_install_command(
    make: Callable[..., Environment], lay: Lay, index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_TOKEN", "ghs_very_secret")
    monkeypatch.setenv("MY_API_KEY", "very-secret-key")
    monkeypatch.setenv("UV_INDEX_PRIVATE_PASSWORD", PASSWORD)
    install = (
        "import os, pathlib, site, sys\n"
        "here = pathlib.Path.cwd()\n"
        "packages = pathlib.Path(site.getsitepackages()[0])\n"
        "(packages / 'seen.txt').write_text(repr(dict(os.environ)))\n"
        "(packages / 'dep.py').write_text('')\n"
        "(packages / 'target.py').write_text('base code')\n"
        "info = packages / 'target-1.0.dist-info'\n"
        "info.mkdir()\n"
        "(info / 'direct_url.json').write_text('{\"url\": \"' + here.as_uri() + '\"}')\n"
        "(info / 'RECORD').write_text('target.py,,\\n../../../../../../outside,,\\ntarget-1.0.dist-info/RECORD,,\\n')\n"
        "(packages / 'editable.pth').write_text(str(here))\n"
        "(here / 'written').touch()\n"
    )
    folder = lay("tree", {"pkg/install.py": install, "pkg/target.py": "", "requirements.txt": "nothing-of-it\n"})
    settings = Settings(install_command="python install.py", directory="pkg")
    environment = make(folder, settings)
    packages = next((environment.python.parents[1] / "lib").glob("python3*/site-packages"))
    assert {"dep", "pytest"} <= importable(environment)
    assert not (packages / "target.py").exists()
    assert not (packages / "editable.pth").exists()
    assert (packages / "target-1.0.dist-info").is_dir()
    assert not (folder / "pkg" / "written").exists()  # it ran in a copy
    seen = (packages / "seen.txt").read_text()
    assert PASSWORD not in seen
    assert "very" not in seen
    assert f"'PIP_INDEX_URL': '{index.bare}'" in seen
    assert f"'VIRTUAL_ENV': '{environment.python.parents[1]}'" in seen
    assert environment.note == "install_command: python install.py"
    assert environment.sources == (str(environment.python.parents[2] / "layer"),)  # pytest, which the command left out

    (folder / "pkg" / "install.py").write_text(f"print('login {PASSWORD} http://{PASSWORD}@h/'); raise SystemExit(3)")
    with pytest.raises(BrokenEnvironment) as error:
        make(folder, settings)
    assert str(error.value) == (
        "`install_command` ended with exit code 3:\nlogin *** http://***@h/\n"
        "Run it in a clean checkout of the base to see why.\n"
        "The user name and password of the package index were withheld from it, since it may run code of the target."
    )
    with pytest.raises(BrokenEnvironment, match="`no-such-program` was not found"):
        make(folder, Settings(install_command="no-such-program -x"))
    slow = Settings(install_command="sleep 60", max_minutes=0.01)
    told = Told()
    with pytest.raises(BrokenEnvironment, match=r"longer than 1 seconds .`max_minutes`. and was stopped"):
        make(folder, slow, told)
    assert told.details == ["running sleep"]


def test_an_interpreter_of_the_users_own(make: Callable[..., Environment], lay: Lay, tmp_path: Path) -> None:
    folder = lay(
        "tree", {"requirements.txt": "alpha\n", "src/a.py": "", "pyproject.toml": "[project]\nrequires-python='>4'"}
    )
    venv = tmp_path / "their venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", venv], check=True)
    python = venv / "bin" / "python"
    settings = Settings(test_command=f"'{python}' -m pytest")
    expected = Environment(
        python=python,
        path=(venv / "bin",),
        readable=(venv, python.resolve().parents[1]),
        note=f"{python}, as test_command names it",
        sources=("src", ""),
    )
    assert make(folder, settings) == expected
    (venv / "bin" / "pytest").write_text("#!/bin/sh\n")
    (venv / "bin" / "pytest").chmod(0o755)
    assert make(folder, Settings(test_command=f"'{venv}/bin/pytest' -x")).python == python
    other = make(folder, Settings(test_command="/bin/true", install_command="none"))
    assert (other.python, other.readable) == (Path(sys.executable), (Path("/bin"), Path("/usr")))
    with pytest.raises(BrokenEnvironment) as error:
        make(folder, Settings(test_command="/no/such/python -m pytest"))
    assert str(error.value) == NO_INTERPRETER.format(path="/no/such/python")


@pytest.mark.usefixtures("index")
def test_what_cannot_be_had(
    make: Callable[..., Environment], lay: Lay, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def told(files: dict[str, str], settings: Settings = SETTINGS) -> str:
        with pytest.raises((BrokenEnvironment, Misconfigured)) as error:
            make(lay(f"tree{next(numbers)}", files), settings)
        return str(error.value)

    numbers = count()
    have = ".".join(map(str, sys.version_info[:3]))
    old = {"pyproject.toml": "[project]\nname='x'\nrequires-python='>=3.99'\ndependencies=['alpha']\n"}
    assert told(old) == OLD_PYTHON.format(wanted=">=3.99", have=have)
    assert told({}, Settings(directory="absent")) == NO_DIRECTORY.format(directory="absent")
    assert "`pyproject.toml` is not valid TOML" in told({"pyproject.toml": "[project"})
    (tmp_path / "outside.txt").write_text("alpha\n")
    (tmp_path / "linked").mkdir()
    (tmp_path / "linked" / "in.txt").symlink_to(tmp_path / "outside.txt")
    for number, name in enumerate(("../outside.txt", "../linked/in.txt", "absent.txt", str(tmp_path / "outside.txt"))):
        outside = told({"requirements.txt": f"-r {name}\n", "number": str(number)})
        assert "which is not a file inside the repository" in outside
    assert "names `../other`" in told({"requirements.txt": "-e ../other\n"})
    project = "[project]\nname='x'\ndependencies=['alpha']\n[tool.uv.sources]\nalpha={git='https://h/x'}\n"
    assert told({"pyproject.toml": project}).startswith("`tool.uv.sources` takes `alpha` from an address")
    assert told({"requirements.txt": "alpha>=9\n"}) == (
        "The target's dependencies (requirements.txt) could not be installed:\n"
        "error: No solution found when resolving dependencies\n"
        "  cause: Because alpha was not found in the package registry and you require alpha>=9, we can conclude that "
        "your requirements are unsatisfiable.\n"
        "Repair them, or set `install_command`; `none` installs nothing."
    )
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")
    monkeypatch.setenv("UV_DEFAULT_INDEX", f"http://ada:{PASSWORD}@127.0.0.1:9/simple")
    unreachable = told({"requirements.txt": "alpha\n"})
    assert unreachable.startswith("The package index could not be reached, so the target's dependencies (requirements")
    assert PASSWORD not in unreachable
    assert not list((tmp_path / "cache" / "environments").glob("*/ready"))
