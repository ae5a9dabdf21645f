"""Builds environments and keeps them: for the base, for an attempt with other requirements, and layers beside one."""

from __future__ import annotations

import shlex
import shutil
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path

from greenloop.environment import installed, shelf
from greenloop.environment.failures import NO_VENV, NOT_INSTALLED, command_failure, failure, refusal
from greenloop.environment.lines import name_of
from greenloop.environment.manifests import Manifest
from greenloop.environment.network import Network
from greenloop.environment.sdist import Workshop, missing
from greenloop.environment.shelf import Place
from greenloop.environment.wheels import Wanted, add_layer, install, make_with_pip
from greenloop.ports import Environment, Sandbox
from greenloop.settings import Settings

_ROUNDS = 20  # a source that needs a source that needs a source


@dataclass(frozen=True, slots=True, kw_only=True)
class Builder:
    cache: Path
    settings: Settings
    sandbox: Sandbox
    outside: Mapping[str, str]
    say: Callable[[str], None]

    def base(self, folder: Path, manifest: Manifest) -> Environment:
        """By `install_command`, or by what was detected in the base commit's tree."""
        spot = self.spot(folder, manifest)
        note = f"install_command: {self.settings.install_command}" if self.settings.install_command else manifest.note
        if not spot.is_ready():
            with shelf.building(spot, self.say) as needed:
                if needed and self.settings.install_command:
                    self._by_command(spot, folder)
                elif needed:
                    self._by_manifest(spot, folder, manifest)
        return self._environment(spot, note, manifest)

    def spot(self, folder: Path, manifest: Manifest) -> Place:
        """Where the base's environment is kept: under what it is made of."""
        return self._spot(manifest, *self._named(folder))

    def changed(self, base_folder: Path, *, base: Manifest, manifest: Manifest) -> Environment:
        """A whole environment for an attempt: wheels only, with the base's versions where they still fit."""
        old = self._spot(base)
        pins = old.pins() if base.note and old.is_ready() else ()
        spot = self._spot(base, *manifest.requirements, "constraints", *manifest.constraints, repr(manifest.project))
        wanted = self._wanted(manifest, base_folder)
        wanted = replace(wanted, options=base.options, links=(old.wheels,), note="the change's manifests")
        if not spot.is_ready():
            with shelf.building(spot, self.say) as needed:
                if needed:
                    self._by_change(spot, wanted, pins, manifest)
        return self._environment(spot, f"{manifest.note}, as changed", manifest)

    def layered(
        self, environment: Environment, base_folder: Path, *, base: Manifest, manifest: Manifest
    ) -> Environment:
        """What the attempt adds, in a folder beside an environment that is not ours to make again."""
        added = tuple(r for r in manifest.requirements if r not in base.requirements)
        spot = self._spot(base, "layer", str(environment.python), *added)
        theirs = installed.pins(installed.site_packages(environment.python.parent.parent))
        own = Path(sys.executable) if self.settings.install_command else environment.python
        wanted = Wanted(
            requirements=added,
            constraints=theirs,
            options=base.options,
            cwd=base_folder,
            interpreter=own,
            note="what the change adds",
        )
        with shelf.building(spot, self.say) as needed:
            if needed:
                self._add(spot, wanted)
        sources = (*manifest.sources, *(s for s in environment.sources if Path(s).is_absolute()), str(spot.layer))
        return replace(environment, sources=sources, readable=(*environment.readable, spot.layer))

    def _named(self, folder: Path) -> tuple[str, ...]:
        """Digests of the files that an install command names, or that such commands read without naming them."""
        if not self.settings.install_command:
            return ()
        top, usual = folder / self.settings.directory, ("Makefile", "setup.py", "setup.cfg", "poetry.lock", "pdm.lock")
        words = shlex.split(self.settings.install_command)
        files = [path for name in (*words, *usual) if (path := top / name).is_file()]
        return tuple(f"{path.name} {sha256(path.read_bytes()).hexdigest()}" for path in files)

    def _spot(self, manifest: Manifest, *more: str) -> Place:
        parts = (manifest.digest, manifest.note, self.settings.install_command, self.settings.directory, _own_pytest())
        return shelf.place(self.cache, shelf.key(*parts, *more))

    def _environment(self, spot: Place, note: str, manifest: Manifest) -> Environment:
        layer = (spot.layer,) if spot.layer.is_dir() else ()
        return Environment(
            python=spot.python,
            path=(spot.venv / "bin",),
            readable=(spot.venv, *layer),
            note=note,
            sources=(*manifest.sources, *map(str, layer)),
        )

    def _network(self, home: str) -> Network:
        uv_cache = self.cache / "uv"
        uv_cache.mkdir(parents=True, exist_ok=True)
        seconds = self.settings.max_minutes * 60
        return Network(outside=self.outside, cache=uv_cache, home=Path(home), seconds=seconds, say=self.say)

    def _wanted(self, manifest: Manifest, folder: Path) -> Wanted:
        return Wanted(
            requirements=manifest.requirements,
            constraints=manifest.constraints,
            options=manifest.options,
            cwd=folder / self.settings.directory,
            interpreter=Path(sys.executable),
            note=manifest.note,
        )

    def _by_manifest(self, spot: Place, folder: Path, manifest: Manifest) -> None:
        self.say(f"installing from {manifest.note}")
        with tempfile.TemporaryDirectory(prefix="greenloop-home-") as home:
            network = self._network(home)
            wanted = self._wanted(manifest, folder)
            if manifest.locked:
                wanted = replace(wanted, requirements=self._exported(manifest, wanted, network))
            self._fill(spot, wanted, network)
        self._finish(spot, manifest)

    def _exported(self, manifest: Manifest, wanted: Wanted, network: Network) -> tuple[str, ...]:
        """What the lock file says, as lines with hashes. Frozen: the lock is read, never made again."""
        chosen = [f"--extra={e}" for e in manifest.extras] + [f"--group={g}" for g in manifest.groups]
        log = network.uv(
            *("export", "--quiet", "--frozen", "--no-header", "--no-annotate", "--python", sys.executable),
            *("--no-emit-project", "--no-emit-workspace", "--no-emit-local", *chosen),
            cwd=wanted.cwd,
        )
        if log.code:
            raise failure(NOT_INSTALLED, manifest.note, log)
        lines = log.text.replace("\\\n", " ").splitlines()
        return tuple(" ".join(line.split()) for line in lines if line.strip() and not line.startswith("-e "))

    def _fill(self, spot: Place, wanted: Wanted, network: Network) -> None:
        """Wheels; what has none is built in the sandbox and tried again; pytest as well when nothing brought it."""
        spot.wheels.mkdir(exist_ok=True)
        workshop = Workshop(
            wheels=spot.wheels,
            network=network,
            sandbox=self.sandbox,
            memory=self.settings.memory,
            disk=self.settings.disk,
        )
        wanted = replace(wanted, links=(spot.wheels,))
        for _ in range(_ROUNDS):
            log = install(spot.venv, wanted, network)
            built = workshop.build(missing(log.text), wanted) if log.code else ()
            if built:
                wanted = _without_hashes(wanted, built)
            elif log.code:
                raise failure(NOT_INSTALLED, wanted.note, log)
            elif not _has_pytest(spot.venv):
                wanted = replace(wanted, requirements=(*wanted.requirements, _own_pytest()))
            else:
                return
        raise failure(NOT_INSTALLED, wanted.note, log)

    def _by_change(self, spot: Place, wanted: Wanted, pins: tuple[str, ...], manifest: Manifest) -> None:
        self.say("installing what the change asks for")
        named = {name_of(r) for r in wanted.requirements}
        kept = tuple(pin for pin in pins if name_of(pin) not in named)
        with tempfile.TemporaryDirectory(prefix="greenloop-home-") as home:
            network = self._network(home)
            for constraints in dict.fromkeys((pins, kept, ())):
                held = replace(wanted, constraints=(*wanted.constraints, *constraints))
                log = install(spot.venv, held, network)
                if log.code == 0 and not _has_pytest(spot.venv):
                    log = install(spot.venv, replace(held, requirements=(*held.requirements, _own_pytest())), network)
                if log.code == 0:
                    return self._finish(spot, manifest)
        raise refusal(log)

    def _add(self, spot: Place, wanted: Wanted) -> None:
        with tempfile.TemporaryDirectory(prefix="greenloop-home-") as home:
            network = self._network(home)
            for constraints in dict.fromkeys((wanted.constraints, ())):
                log = add_layer(spot.layer, replace(wanted, constraints=constraints), network)
                if log.code == 0:
                    spot.layer.mkdir(exist_ok=True)
                    return spot.finish(())
        raise refusal(log)

    def _finish(self, spot: Place, manifest: Manifest) -> None:
        pins = installed.pins(installed.site_packages(spot.venv))
        installed.describe(spot.venv, manifest.project, spot.python)
        spot.finish(pins)

    def _by_command(self, spot: Place, folder: Path) -> None:
        """The base commit's own command, in a copy of its tree that is gone afterwards."""
        words = tuple(shlex.split(self.settings.install_command))
        self.say(f"running {words[0]}")
        with tempfile.TemporaryDirectory(prefix="greenloop-install-") as work:
            copy, home = Path(work, "tree"), Path(work, "home")
            home.mkdir()
            shutil.copytree(folder, copy, symlinks=True)
            network = self._network(str(home))
            log = make_with_pip(spot.venv, network, home)
            if log.code:
                raise failure(NO_VENV, "", log)
            cwd = copy / self.settings.directory
            log = network.command(words, cwd=cwd, venv=spot.venv, doing=f"running {words[0]}")
            if log.code:
                raise command_failure(log, self.outside)
            packages = installed.site_packages(spot.venv)
            installed.detach(packages, copy)
            if not _has_pytest(spot.venv):
                own = Path(sys.executable)
                wanted = Wanted(
                    requirements=(_own_pytest(),),
                    constraints=(),
                    cwd=home,
                    interpreter=own,
                    note="pytest, which is missing",
                )
                log = add_layer(spot.layer, wanted, network)
                if log.code:
                    raise failure(NOT_INSTALLED, wanted.note, log)
        spot.finish(installed.pins(packages))


def _own_pytest() -> str:
    """Greenloop's own version, which its reports were tested with."""
    from importlib.metadata import version  # noqa: PLC0415 - a target without dependencies does not need it

    return f"pytest=={version('pytest')}"


def _has_pytest(venv: Path) -> bool:
    return any(name_of(pin) == "pytest" for pin in installed.pins(installed.site_packages(venv)))


def _without_hashes(wanted: Wanted, built: tuple[str, ...]) -> Wanted:
    """A wheel made here has no digest that anybody could have known; its source's was checked."""
    lines = tuple(r.partition(" --hash")[0] if name_of(r) in built else r for r in wanted.requirements)
    return replace(wanted, requirements=lines)
