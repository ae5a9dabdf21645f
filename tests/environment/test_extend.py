"""What an attempt adds to the manifests: wheels only, and nothing of it is executed with the network on."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from fakes.package_index import PASSWORD, Index, importable
from greenloop.environment import NOT_PLAIN, OWN, Unavailable, extend, is_manifest, prepare
from greenloop.environment.lines import is_plain
from greenloop.errors import BrokenEnvironment
from greenloop.ports import Environment, Sandbox
from greenloop.settings import Settings

Lay = Callable[..., Path]
HOSTILE = "import os, pathlib\npathlib.Path({mark!r}).write_text(repr(dict(os.environ)))\n"


@pytest.fixture
def attempt(tmp_path: Path, sandbox: Sandbox) -> Callable[..., Environment]:
    """The environment of an attempt beside its base."""

    def extended(base: Path, changed: Path, settings: Settings) -> Environment:
        cache = tmp_path / "cache"
        environment = prepare(base, settings, cache=cache, sandbox=sandbox, progress=lambda _: None)
        return extend(environment, base, changed, settings, cache=cache, sandbox=sandbox)

    return extended


def test_a_change_gets_an_environment_of_its_own(attempt: Callable[..., Environment], lay: Lay, index: Index) -> None:
    for name in ("alpha", "beta", "gamma", "shared"):
        index.wheel(name, "1.0", requires=() if name == "shared" else ("shared",))
    index.wheel("shared", "2.0")
    base = lay("base", {"requirements.txt": "alpha\nbeta\nshared<2\n"})
    settings = Settings()
    first = attempt(
        base, lay("same", {"requirements.txt": "# a comment\nalpha\nbeta\nshared<2\n", "src/a.py": ""}), settings
    )
    assert importable(first) == {"alpha", "beta", "shared", "pytest"}
    assert first.sources == ("src",)
    changed = lay("changed", {"requirements.txt": "alpha\ngamma>=1\n"})
    second = attempt(base, changed, settings)
    assert importable(second) == {"alpha", "gamma", "shared", "pytest"}  # beta is gone
    packages = next((second.python.parents[1] / "lib").glob("python3*/site-packages"))
    assert (packages / "shared-1.0.dist-info").is_dir()  # as on the base, though there is a newer one
    assert second.note == "requirements.txt, as changed"
    assert attempt(base, changed, settings) == second
    newer = attempt(base, lay("newer", {"requirements.txt": "alpha\nbeta\nshared>=2\n"}), settings)
    packages = next((newer.python.parents[1] / "lib").glob("python3*/site-packages"))
    assert (packages / "shared-2.0.dist-info").is_dir()  # the base's version no longer fits
    none = attempt(base, lay("none", {"a.py": ""}), settings)
    assert (none.note, none.python) == (OWN, Path(sys.executable))
    added = attempt(lay("bare", {}), changed, settings)
    assert importable(added) == {"alpha", "gamma", "shared", "pytest"}
    assert attempt(base, changed, Settings(install_command="none")).note == OWN
    named = {"pyproject.toml": "[project]\nname='x'\nversion='2'\ndependencies=['alpha']\nscripts={run='x:y'}\n"}
    with_script = attempt(base, lay("named", named), settings)
    assert with_script.python.with_name("run").is_file()


def test_plugins_that_the_base_has_not_declared_are_named(
    attempt: Callable[..., Environment], lay: Lay, index: Index
) -> None:
    for name in ("declared", "evil"):
        words = f"[pytest11]\nstrike_{name} = {name}\n"
        index.wheel(name, "1.0", files={f"{name}.py": "", f"{name}-1.0.dist-info/entry_points.txt": words})
    base = lay("base", {"requirements.txt": "declared\n"})
    same = attempt(base, lay("same", {"requirements.txt": "declared\n# as before\n"}), Settings())
    more = attempt(base, lay("more", {"requirements.txt": "declared\nevil\n"}), Settings())
    assert [made.withheld for made in (same, more)] == [(), ("strike_evil",)]


def test_a_hostile_addition_is_never_executed(
    attempt: Callable[..., Environment], lay: Lay, index: Index, tmp_path: Path
) -> None:
    mark = tmp_path / "executed"
    hostile = HOSTILE.format(mark=str(mark))
    index.wheel("alpha", "1.0")
    system = "[build-system]\nrequires = []\nbuild-backend = 'evil'\nbackend-path = ['.']\n"  # it needs nothing to run
    index.sdist("evil", "1.0", {"pyproject.toml": system, "evil.py": hostile, "PKG-INFO": "Metadata-Version: 1.0\n"})
    index.wheel("starter", "1.0", files={"starter.pth": f"import pathlib; pathlib.Path({str(mark)!r}).touch()\n"})
    index.wheel("late", "1.0", requires=("evil",))
    base = lay("base", {"requirements.txt": "alpha\n"})

    def refused(name: str, files: dict[str, str]) -> str:
        with pytest.raises(Unavailable) as error:
            attempt(base, lay(name, {"setup.py": hostile, **files}), Settings())
        assert not mark.exists()
        return str(error.value)

    wheels_only = "What the change adds to the dependencies could not be installed (as wheels only, nothing is built):"
    assert refused("sdist", {"requirements.txt": "alpha\nevil\n"}).startswith(wheels_only)
    assert refused("later", {"requirements.txt": "alpha\nlate\n"}).startswith(wheels_only)
    for number, line in enumerate(
        (
            "evil @ http://127.0.0.1:1/evil-1.0.tar.gz",
            f"evil @ {index.bare}evil/evil-1.0.tar.gz",
            "http://127.0.0.1:1/evil-1.0.tar.gz",
            "--index-url http://127.0.0.1:1/simple",
            "--extra-index-url http://127.0.0.1:1/simple",
            "git+http://127.0.0.1:1/evil",
            "evil-1.0.tar.gz",
        )
    ):
        text = refused(f"line{number}", {"requirements.txt": f"{line}\nalpha\n"})
        assert text == NOT_PLAIN.format(line=line)
    project = "[project]\nname='x'\ndependencies=['alpha', '--index-url=http://127.0.0.1:1/']\n"
    assert refused("array", {"pyproject.toml": project}) == NOT_PLAIN.format(line="--index-url=http://127.0.0.1:1/")
    wants = "[project]\nname='x'\nrequires-python='>=3.99'\n"
    assert refused("python", {"pyproject.toml": wants}).startswith("The target needs Python >=3.99, and this is")
    assert "not valid TOML" in refused("toml", {"pyproject.toml": "["})
    assert attempt(base, lay("editable", {"requirements.txt": "alpha\n-e .\n", "setup.py": hostile}), Settings())
    started = attempt(base, lay("pth", {"requirements.txt": "alpha\nstarter\n"}), Settings())
    assert not mark.exists()
    subprocess.run([started.python, "-c", ""], check=True)
    assert mark.exists()  # it would have been: the trap is real


def test_layers_beside_an_environment_that_is_not_ours(
    attempt: Callable[..., Environment], lay: Lay, index: Index, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    index.wheel("gamma", "1.0", requires=("shared",))
    index.wheel("shared", "1.0")
    index.wheel("shared", "2.0")
    made = "import pathlib, site\np = pathlib.Path(site.getsitepackages()[0])\n(p / 'pytest-1.dist-info').mkdir()\n"
    made += "(p / 'shared-1.0.dist-info').mkdir()\n"
    base = lay("base", {"install.py": made, "requirements.txt": "\n"})
    changed = lay("changed", {"install.py": "raise SystemExit", "requirements.txt": "gamma\n", "src/a.py": ""})
    environment = attempt(base, changed, Settings(install_command="python install.py"))
    layer = Path(environment.sources[-1])
    assert environment.sources == ("src", str(layer))
    assert layer in environment.readable
    assert (layer / "shared-1.0.dist-info").is_dir()  # the version that the environment has

    venv = tmp_path / "theirs"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", venv], check=True)
    settings = Settings(test_command=f"{venv}/bin/python -m pytest")
    theirs = attempt(base, changed, settings)
    assert theirs.python == venv / "bin" / "python"
    assert importable(replace(theirs, python=Path("/a/b/c"))) == {"gamma", "shared"}
    with pytest.raises(Unavailable, match="wheels only"):
        attempt(base, lay("more", {"requirements.txt": "absent\n"}), settings)
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")
    monkeypatch.setenv("UV_DEFAULT_INDEX", f"http://ada:{PASSWORD}@127.0.0.1:9/simple")
    with pytest.raises(BrokenEnvironment, match="The package index could not be reached") as error:
        attempt(base, lay("offline", {"requirements.txt": "delta\n"}), settings)
    assert not isinstance(error.value, Unavailable)
    assert PASSWORD not in str(error.value)


def test_which_paths_and_lines_matter() -> None:
    yes = (
        "uv.lock",
        "a/pyproject.toml",
        "requirements/base.txt",
        "dev-requirements.in",
        "setup.cfg",
        "constraints.txt",
    )
    assert [path for path in yes if not is_manifest(path)] == []
    assert [path for path in ("a.py", "docs/x.txt", "my_setup.py", "requirements.py") if is_manifest(path)] == []
    plain = (
        "a",
        "A.b_c-d",
        "a[x, y] >= 1.0, !=1.2.*",
        "a~=1.0",
        "a (>=1)",
        "a ; python_version < '3.12' and os_name == \"nt\"",
    )
    assert [line for line in plain if not is_plain(line)] == []
    others = (
        "",
        "-e .",
        "./a",
        "a/b",
        "a @ file:///x",
        "a@x",
        "a.whl",
        "a-1.tar.gz",
        "a --hash=sha256:0",
        "a\n-r x",
        "a${X}",
    )
    assert [line for line in others if is_plain(line)] == []
