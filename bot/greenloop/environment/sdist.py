"""A dependency of the base commit that exists only as source: downloaded without running anything, then built in the
sandbox, offline, with build requirements that were fetched as wheels. Never used for what an attempt adds."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import tarfile
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import unquote, urlsplit

from greenloop.environment.lines import is_plain, name_of, normal
from greenloop.environment.network import Network
from greenloop.environment.wheels import REQUIREMENTS_FILE, Wanted, install
from greenloop.errors import BrokenEnvironment
from greenloop.ports import Policy, Sandbox

NOT_BUILT = (
    "`{name}` exists only as source, and building it in the sandbox, offline, failed:\n{log}\n"
    "Pin a version that has a wheel, or set `install_command`."
)
NOT_FETCHED = (
    "The source of `{name}` could not be used: {why}. Pin a version that has a wheel, or set `install_command`."
)

_LARGEST = 256 * 1024 * 1024  # bytes, of an archive and of what it unpacks to, each
_NEEDS_SOURCE = re.compile(
    r"Wheels are required for `([A-Za-z0-9._-]+)`|(?<![A-Za-z0-9._-])([A-Za-z0-9._-]+?)(?:==\S+)? has no usable wheels"
)
_WHEEL = re.compile(
    r"([A-Za-z0-9_.]+)-([A-Za-z0-9_.+!]+)(-\d[^-/]*)?-[A-Za-z0-9_.]+-[A-Za-z0-9_.]+-[A-Za-z0-9_.]+\.whl"
)
_HASH = re.compile(r"--hash[= ]sha256:([0-9a-f]{64})")
_DRIVER = Path(__file__).with_name("backend.py")


def missing(log: str) -> tuple[str, ...]:
    """The distributions of which uv says that there are no wheels."""
    found = (normal(a or b) for a, b in _NEEDS_SOURCE.findall(" ".join(log.split())))
    return tuple(dict.fromkeys(found))


@dataclass(frozen=True, slots=True, kw_only=True)
class Workshop:
    """Builds wheels of sources into `wheels`."""

    wheels: Path
    network: Network
    sandbox: Sandbox
    memory: int
    disk: int

    def build(self, names: Iterable[str], wanted: Wanted) -> tuple[str, ...]:
        """Those of `names` that have a source and were built; the others have none."""
        self.wheels.mkdir(exist_ok=True)
        return tuple(name for name in names if self._built(name, wanted))

    def _built(self, name: str, wanted: Wanted) -> bool:
        with tempfile.TemporaryDirectory(prefix="greenloop-build-") as folder:
            work = Path(folder)
            work.chmod(0o711)
            found = self._locate(name, wanted, work)
            if found is None:
                return False
            archive = self._download(name, found, work)
            source = _unpack(name, archive, work)
            self._build_in(name, str(found["version"]), source, wanted, work)
            return True

    def _locate(self, name: str, wanted: Wanted, work: Path) -> dict[str, Any] | None:
        """The archive's address and digest. With its metadata declared as empty, uv has nothing to build or run."""
        import tomllib  # noqa: PLC0415 - a target of wheels does not need it

        line = next((r for r in wanted.requirements if name_of(r) == name), name)
        text = f'dependency-metadata = [{{ name = "{name}", requires-dist = [] }}]\n'
        (work / "uv.toml").write_text(text, encoding="utf-8")
        (work / REQUIREMENTS_FILE).write_text("\n".join([*wanted.options, line]) + "\n", encoding="utf-8")
        options = (
            "--no-deps",
            "--only-binary",
            ":all:",
            "--no-binary",
            name,
            "--config-file",
            "uv.toml",
            "--no-header",
        )
        output = work / "pylock.toml"
        done = self.network.uv(
            *("pip", "compile", *options, "--python", str(wanted.interpreter), "-o", str(output), REQUIREMENTS_FILE),
            cwd=work,
        )
        packages = tomllib.loads(output.read_text(encoding="utf-8")).get("packages", []) if done.code == 0 else []
        if not packages or "sdist" not in packages[0]:
            return None
        return {**packages[0]["sdist"], "version": packages[0]["version"], "allowed": _HASH.findall(line)}

    def _download(self, name: str, found: dict[str, Any], work: Path) -> Path:
        address = urlsplit(str(found.get("url") or ""))
        archive = work / "archive"
        if address.scheme in {"http", "https"}:
            self.network.download(address.geturl(), archive, largest=_LARGEST)
        else:
            local = Path(unquote(address.path)) if address.path else work / str(found.get("path"))
            if local.stat().st_size > _LARGEST:
                raise BrokenEnvironment(NOT_FETCHED.format(name=name, why="it is too large"))
            shutil.copyfile(local, archive)
        _verify(name, archive, found)
        return archive

    def _build_in(self, name: str, version: str, source: Path, wanted: Wanted, work: Path) -> None:
        requires, backend, paths = _system(source)
        venv, out = work / "venv", work / "out"
        self._tools(name, requires, venv, wanted)
        more = json.loads(self._confined(name, "requires", source, venv, out, backend, paths)["requires"])
        added = tuple(r for r in more if isinstance(r, str) and is_plain(r) and r not in requires)
        if added:
            self._tools(name, (*requires, *added), venv, wanted)
        made = self._confined(name, "wheel", source, venv, out, backend, paths)
        _keep(name, version, made, self.wheels)

    def _tools(self, name: str, requires: tuple[str, ...], venv: Path, wanted: Wanted) -> None:
        shutil.rmtree(venv, ignore_errors=True)
        tools = Wanted(
            requirements=requires, options=wanted.options, cwd=wanted.cwd, interpreter=wanted.interpreter, note=name
        )
        log = install(venv, tools, self.network)
        if log.code:
            raise BrokenEnvironment(NOT_BUILT.format(name=name, log=log.text.strip()))

    def _confined(
        self, name: str, what: str, source: Path, venv: Path, out: Path, backend: str, paths: tuple[str, ...]
    ) -> dict[str, bytes]:
        shutil.rmtree(out, ignore_errors=True)
        out.mkdir()
        answers = ("requires",) if what == "requires" else ("wheel", "name")
        policy = Policy(
            readable=(venv, _DRIVER),
            writable=(source, out),
            path=(venv / "bin",),
            seconds=self.network.seconds,
            memory=self.memory,
            disk=self.disk,
            artifacts=tuple(out / answer for answer in answers),
        )
        argv = (str(venv / "bin" / "python"), "-I", str(_DRIVER), what, str(out), backend, *paths)
        done = self.sandbox.run(argv, cwd=source, policy=policy)
        found = {answer: done.artifacts.get(out / answer) for answer in answers}
        if done.exit_code or any(data is None for data in found.values()):
            log = "\n".join((done.stdout + done.stderr).splitlines()[-40:])
            raise BrokenEnvironment(NOT_BUILT.format(name=name, log=log or f"killed: {done.killed_by}"))
        return {answer: data for answer, data in found.items() if data is not None}


def _verify(name: str, archive: Path, found: dict[str, Any]) -> None:
    """Against what the index says, and against what the base's own manifest allows."""
    digest = hashlib.sha256(archive.read_bytes()).hexdigest()
    if found.get("hashes", {}).get("sha256", digest) != digest:
        raise BrokenEnvironment(NOT_FETCHED.format(name=name, why="its digest is not the one that the index names"))
    if found["allowed"] and digest not in found["allowed"]:
        raise BrokenEnvironment(
            NOT_FETCHED.format(name=name, why="its digest is none of those that the manifest names")
        )


def _unpack(name: str, archive: Path, work: Path) -> Path:
    """The one folder in the archive."""
    folder = work / "source"
    try:
        with tarfile.open(archive) as members:
            _extract(members, folder)
        (only,) = folder.iterdir()
    except (tarfile.TarError, OSError, EOFError, ValueError) as error:
        raise BrokenEnvironment(NOT_FETCHED.format(name=name, why=f"it is no source archive ({error})")) from None
    return only


def _extract(members: tarfile.TarFile, folder: Path) -> None:
    """Plain files, each inside `folder`; no links or devices. (`extractall(filter=…)` came with Python 3.11.4.)"""
    left = _LARGEST
    for member in members:
        path, left = PurePosixPath(member.name), left - member.size
        if path.is_absolute() or ".." in path.parts or left < 0:
            raise ValueError(f"{member.name!r} leads out of it, or it is too large")
        data = members.extractfile(member) if member.isreg() else None
        if data is not None:
            target = folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            with target.open("xb") as file:
                shutil.copyfileobj(data, file)
            target.chmod(0o755 if member.mode & 0o100 else 0o644)


def _system(source: Path) -> tuple[tuple[str, ...], str, tuple[str, ...]]:
    """PEP 518: build requirements, backend and its path; without them, setuptools as it always was."""
    import tomllib  # noqa: PLC0415 - as above

    file = source / "pyproject.toml"
    try:
        system = tomllib.loads(file.read_text(encoding="utf-8")).get("build-system", {}) if file.is_file() else {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError):
        system = {}
    requires = tuple(r for r in system.get("requires", ["setuptools>=40.8", "wheel"]) if is_plain(str(r)))
    paths = tuple(str(path) for path in system.get("backend-path", []))
    return requires, str(system.get("build-backend", "setuptools.build_meta:__legacy__")), paths


def _keep(name: str, version: str, made: dict[str, bytes], wheels: Path) -> None:
    """What a build calls its result is its own claim: it has to be the wheel that was asked for."""
    filename = made["name"].decode("utf-8", "replace")
    parts = _WHEEL.fullmatch(filename)
    if not parts or normal(parts[1]) != name or not _same_version(parts[2], version):
        raise BrokenEnvironment(NOT_FETCHED.format(name=name, why=f"its build made {filename[:80]!r}"))
    (wheels / filename).write_bytes(made["wheel"])


def _same_version(one: str, other: str) -> bool:
    from packaging.version import InvalidVersion, Version  # noqa: PLC0415 - as above

    try:
        return Version(one.replace("_", "-")).base_version == Version(other).base_version
    except InvalidVersion:
        return one == other
