"""A dependency of the base that exists only as source: built in the sandbox, offline, without any credential."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import re
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from fakes.package_index import PASSWORD, Index, importable, wheel
from greenloop.environment import extend, prepare
from greenloop.environment.backend import main
from greenloop.environment.sdist import missing
from greenloop.errors import BrokenEnvironment
from greenloop.ports import Environment, Sandbox
from greenloop.settings import Settings

Lay = Callable[..., Path]
# A backend in the source itself; what it sees of the outside goes into the wheel that it builds.
SYSTEM = "[build-system]\nrequires = ['maker']\nbuild-backend = 'backend:hooks'\nbackend-path = ['.']\n"
BACKEND = """
import json, os, socket, sys
from pathlib import Path
import maker

def reach(port):
    try:
        socket.create_connection(("127.0.0.1", port), timeout=5).close()
        return True
    except OSError:
        return False

def attempt(path):
    try:
        Path(path).write_text("written")
    except OSError:
        pass

class hooks:
    def get_requires_for_build_wheel():
        return ["more-maker"]

    def build_wheel(folder):
        import more_maker
        attempt(MARK)
        seen = {"environ": dict(os.environ), "index": reach(PORT)}
        return maker.build(folder, NAME, seen)
"""
MAKER = """
import base64, json, os
def build(folder, name, seen):
    data = base64.b64decode(DATA[name])
    filename = name + "-1.0-py3-none-any.whl"
    with open(os.path.join(folder, filename), "wb") as file:
        file.write(data)
    print(json.dumps(seen))
    import zipfile
    with zipfile.ZipFile(os.path.join(folder, filename), "a") as archive:
        archive.writestr(name + "_seen.json", json.dumps(seen))
    return filename
"""


@pytest.fixture
def make(tmp_path: Path, sandbox: Sandbox) -> Callable[..., Environment]:
    def prepared(folder: Path) -> Environment:
        return prepare(folder, Settings(), cache=tmp_path / "cache", sandbox=sandbox, progress=lambda _: None)

    return prepared


def _publish(index: Index, mark: Path, names: dict[str, tuple[str, ...]]) -> None:
    data = {n: base64.b64encode(wheel(n, "1.0", requires=r)).decode() for n, r in names.items()}
    index.wheel("maker", "1.0", files={"maker.py": f"DATA = {data!r}\n{MAKER}"})
    index.wheel("more-maker", "1.0")
    port = index.bare.split(":")[2].split("/")[0]
    for name in names:
        constants = f"MARK, PORT, NAME = {str(mark)!r}, {port}, {name!r}\n"
        index.sdist(name, "1.0", {"pyproject.toml": SYSTEM, "backend.py": constants + BACKEND, "PKG-INFO": "x"})


def test_built_confined_and_reused_for_the_attempt(
    make: Callable[..., Environment],
    lay: Lay,
    index: Index,
    tmp_path: Path,
    sandbox: Sandbox,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("GITHUB_TOKEN", "ghs_very_secret")
    mark = tmp_path / "executed"
    index.wheel("gamma", "1.0")
    _publish(index, mark, {"source": ("deeper>=1",), "deeper": ()})
    base = lay("base", {"requirements.txt": "source==1.0\n"})
    environment = make(base)
    assert {"source", "deeper", "pytest"} == importable(environment)
    packages = next((environment.python.parents[1] / "lib").glob("python3*/site-packages"))
    for name in ("source", "deeper"):
        text = (packages / f"{name}_seen.json").read_text()
        assert PASSWORD not in text
        assert "very_secret" not in text
        assert json.loads(text)["index"] is False
    assert not mark.exists()
    changed = lay("changed", {"requirements.txt": "source==1.0\ngamma\n"})
    cache = tmp_path / "cache"
    other = extend(environment, base, changed, Settings(), cache=cache, sandbox=sandbox)
    assert {"source", "deeper", "gamma", "pytest"} == importable(other)


def test_with_hashes(make: Callable[..., Environment], lay: Lay, index: Index, tmp_path: Path) -> None:
    _publish(index, tmp_path / "mark", {"source": ()})
    digest = hashlib.sha256((index.folder / "simple" / "source" / "source-1.0.tar.gz").read_bytes()).hexdigest()
    right = make(lay("right", {"requirements.txt": f"source==1.0 --hash=sha256:{digest}\n"}))
    assert {"source", "pytest"} == importable(right)
    with pytest.raises(BrokenEnvironment, match="its digest is none of those that the manifest names"):
        make(lay("wrong", {"requirements.txt": f"source==1.0 --hash=sha256:{'0' * 64}\n"}))


@pytest.mark.parametrize(
    ("files", "cause"),
    [
        ({"pyproject.toml": SYSTEM, "backend.py": "raise RuntimeError('no compiler')"}, "RuntimeError: no compiler"),
        ({"pyproject.toml": SYSTEM.replace("maker", "absent")}, "absent was not found in the package registry"),
        (
            {"pyproject.toml": SYSTEM, "backend.py": "class hooks:\n build_wheel = lambda folder: '../../x'"},
            "out/../../x' -> '",
        ),
        (
            {
                "pyproject.toml": SYSTEM,
                "backend.py": "class hooks:\n def build_wheel(f):\n  open(f + '/other-1-py3-none-any.whl', 'w')\n"
                "  return 'other-1-py3-none-any.whl'",
            },
            "The source of `source` could not be used: its build made 'other-1-py3-none-any.whl'. Pin a version that",
        ),
    ],
)
def test_a_build_that_fails(
    files: dict[str, str], cause: str, make: Callable[..., Environment], lay: Lay, index: Index
) -> None:
    index.wheel("maker", "1.0")
    index.sdist("source", "1.0", {**files, "PKG-INFO": "x"})
    with pytest.raises(BrokenEnvironment) as error:
        make(lay("tree", {"requirements.txt": "source\n"}))
    assert cause in str(error.value)
    assert "set `install_command`" in str(error.value)


def test_a_source_that_is_none(make: Callable[..., Environment], lay: Lay, index: Index) -> None:
    def spoil(name: str, data: bytes | None, *, digest: bool) -> Path:
        index.sdist(name, "1.0", {"a": ""})
        folder = index.folder / "simple" / name
        archive, listing = folder / f"{name}-1.0.tar.gz", folder / "index.html"
        if not digest:
            listing.write_text(re.sub("#sha256=[0-9a-f]+", "", listing.read_text()))
        if data is None:
            archive.unlink()
        else:
            archive.write_bytes(data)
        return lay(name, {"requirements.txt": f"{name}\n"})

    with pytest.raises(BrokenEnvironment, match="its digest is not the one that the index names"):
        make(spoil("one", b"no archive", digest=True))
    with pytest.raises(BrokenEnvironment, match="it is no source archive"):
        make(spoil("two", b"no archive", digest=False))
    for number, path in enumerate(("../../outside", "/outside", "x/../../y")):
        data = io.BytesIO()
        with tarfile.open(fileobj=data, mode="w:gz") as archive:
            archive.addfile(tarfile.TarInfo(path), io.BytesIO())
        with pytest.raises(BrokenEnvironment, match="leads out of it"):
            make(spoil(f"escape{number}", data.getvalue(), digest=False))
    with pytest.raises(BrokenEnvironment, match="could not be downloaded: Client error '404"):
        make(spoil("three", None, digest=True))


def test_names_in_what_uv_says() -> None:
    said = (
        "error: No solution found when resolving dependencies\n  cause: Because evil==1.0 has no usable\n wheels and "
        "all versions of Other_One have no usable wheels\nhint: Wheels are required for `third` because building"
    )
    assert missing(said) == ("evil", "third")


def test_the_driver_calls_the_backend(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In this process, to see its branches; the other tests run it where it belongs."""
    source, out = tmp_path / "source", tmp_path / "out"
    source.mkdir()
    out.mkdir()
    builds = "import pathlib\ndef build_wheel(out):\n pathlib.Path(out, 'a.whl').write_text('wheel')\n return 'a.whl'\n"
    (source / "plain_backend_of_a_test.py").write_text(builds)
    asks = "class hooks:\n def get_requires_for_build_wheel():\n  return ['x']\n"
    (source / "asking_backend_of_a_test.py").write_text(asks)
    monkeypatch.chdir(source)
    monkeypatch.setattr(sys, "path", [*sys.path])
    main("requires", str(out), "plain_backend_of_a_test", ".")
    assert json.loads((out / "requires").read_text()) == []
    main("requires", str(out), "asking_backend_of_a_test:hooks", ".")
    assert json.loads((out / "requires").read_text()) == ["x"]
    main("wheel", str(out), "plain_backend_of_a_test", ".")
    assert ((out / "wheel").read_text(), (out / "name").read_text()) == ("wheel", "a.whl")
