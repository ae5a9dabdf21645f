"""Where weights lie on this machine, and the process that brings them there: this side of `hub`."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryFile
from threading import Event
from typing import Any

from greenloop.model.faults import Fault, plain
from greenloop.model.local.arrived import Told, require_own
from greenloop.model.local.files import Listed
from greenloop.model.local.kept import Kept, surroundings
from greenloop.model.local.mirrors import ANONYMOUS, trusted

OFFLINE = ("GREENLOOP_OFFLINE", "HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE")
SILENCE = 600.0  # seconds in which neither a word nor ten megabytes came
_TOKENS = ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN")
_LOOKED = ".greenloop.look.json"
_COMMIT = re.compile(r"[0-9a-f]{40}")
NOT_HERE = (
    "{repository} is not on this machine, and {switch} forbids to fetch it. Fetch it once without, or name a folder: "
    "local/./folder."
)
ODD = "The hub says something about {repository} that cannot be: {what}."
UNSTARTED = "The download cannot be started: {why}."
BROKEN = "The download ended without a word ({code}).{said}"
SILENT = "Nothing came from the hub for {seconds:.0f} s. What arrived stays, and the next attempt goes on from there."
UNWRITTEN = "The weights cannot be kept in {folder}: {why}. `GREENLOOP_STORE` may name another folder."
STOPPED = "The download was stopped; what arrived stays."


def offline(environment: Mapping[str, str]) -> str:
    """The variable that forbids to ask the network, or ""."""
    return next((n for n in OFFLINE if environment.get(n, "").lower() in {"1", "true", "yes", "on"}), "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """A revision of a repository: which commit it is, what it holds, what its `config.json` says."""

    repository: str
    commit: str
    files: tuple[Listed, ...]
    config: Mapping[str, Any]


class Store:
    """In `folder`, shared by all jobs of the machine: one folder for each commit, filled by one process at a time."""

    def __init__(
        self, folder: Path, environment: Mapping[str, str], stopped: Event, *, silence: float = SILENCE
    ) -> None:
        self._folder, self._environment, self._stopped, self._silence = folder, environment, stopped, silence
        self._switch = offline(environment)

    def look(self, repository: str, revision: str) -> Looked:
        """Raises `Fault`. What was looked at once is remembered: a commit does not change."""
        kept = self._kept(repository, revision)
        if kept is not None:
            return kept
        if self._switch:
            raise Fault(NOT_HERE.format(repository=repository, switch=self._switch))
        said = self._ask({"do": "look", "repository": repository, "revision": revision}, lambda _: None)
        found = _looked(repository, said)
        place = self._place(repository, found.commit)
        try:
            place.mkdir(parents=True, exist_ok=True)
            require_own(place.parent)
            _remember(place / _LOOKED, json.dumps(said))
            _remember(place.parent / f"{revision or 'main'}.ref".replace("/", "--"), found.commit)
        except Told as error:
            raise Fault(str(error)) from None
        except OSError as error:
            raise Fault(UNWRITTEN.format(folder=place, why=error.strerror)) from None
        return found

    def fetch(self, looked: Looked, files: Sequence[Listed], tell: Callable[[str], None]) -> Path:
        """The folder with these files in it. Raises `Fault`."""
        place = self._place(looked.repository, looked.commit)
        missing = [f for f in files if not _here(place, f)]
        if missing and self._switch:
            raise Fault(NOT_HERE.format(repository=looked.repository, switch=self._switch))
        if missing:
            listed = [asdict(f) for f in files]
            order = {"repository": looked.repository, "commit": looked.commit, "files": listed, "folder": str(place)}
            self._ask({"do": "fetch", **order}, lambda said: tell(_progress(said)))
        return place

    def _place(self, repository: str, commit: str) -> Path:
        return self._folder / repository.replace("/", "--") / commit

    def _kept(self, repository: str, revision: str) -> Looked | None:
        """A moving revision counts only where the network must not be asked what it is now."""
        commit = revision
        if not _COMMIT.fullmatch(revision):
            if not self._switch:
                return None
            named = self._folder / repository.replace("/", "--") / f"{revision or 'main'}.ref".replace("/", "--")
            commit = named.read_text() if named.is_file() else ""
        try:
            return _looked(repository, json.loads((self._place(repository, commit) / _LOOKED).read_text()))
        except (OSError, ValueError, LookupError, TypeError, AttributeError, Fault):  # whatever became of that file
            return None

    def _ask(self, order: Mapping[str, Any], told: Callable[[Mapping[str, Any]], None]) -> Mapping[str, Any]:
        """Let `hub` do it; its last line."""
        tokens = {ANONYMOUS: "1"}
        if trusted(self._environment):
            tokens = {name: self._environment[name] for name in _TOKENS if name in self._environment}
        last: Mapping[str, Any] = {}
        with TemporaryFile() as log:
            argv = [sys.executable, "-P", "-m", "greenloop.model.local.hub", json.dumps(order)]
            try:
                hub = Kept(argv, environment=surroundings(self._environment, **tokens), log=log, told=True)
            except OSError as error:  # more files than an argument can name
                raise Fault(UNSTARTED.format(why=error.strerror)) from None
            try:
                for line in hub.lines(self._stopped, silence=self._silence):
                    last = _line(line)
                    told(last)
            except TimeoutError:
                raise Fault(SILENT.format(seconds=self._silence), cause="down") from None
            else:
                if self._stopped.is_set():
                    raise Fault(STOPPED, cause="down")
                code = hub.wait()
            finally:
                hub.end()
            log.seek(0)
            said = plain(log.read().decode("utf-8", "replace")[-500:])
        if "error" in last:
            raise Fault(str(last["error"]))
        if code or not last:
            raise Fault(BROKEN.format(code=code, said=f" It said: {said}" if said else ""), cause="down")
        return last


def _line(line: bytes) -> Mapping[str, Any]:
    try:
        said = json.loads(line)
    except (ValueError, RecursionError):
        return {}
    return said if isinstance(said, dict) else {}


def _looked(repository: str, said: Mapping[str, Any]) -> Looked:
    commit, config = said.get("commit"), said.get("config")
    if not isinstance(commit, str) or not _COMMIT.fullmatch(commit):
        raise Fault(ODD.format(repository=repository, what=f"its commit is {str(commit)[:60]!r}"))
    files = tuple(
        Listed(name=str(f["name"]), size=int(f["size"]), sha256=str(f["sha256"]), blob=str(f["blob"]))
        for f in said.get("files", ())
    )
    return Looked(repository=repository, commit=commit, files=files, config=config if isinstance(config, dict) else {})


def _remember(path: Path, text: str) -> None:
    """What stands there already is not written again: the folder may be one that this user can only read."""
    if not path.is_file() or path.read_text() != text:
        path.write_text(text)


def _here(place: Path, file: Listed) -> bool:
    """Whole, and its hash was right when it came."""
    from greenloop.model.local.hub import MARK  # noqa: PLC0415 - the name of its record

    path = place / file.name
    if not path.is_file() or path.stat().st_size != file.size:
        return False
    try:
        known = json.loads((place / MARK).read_text())
    except (OSError, ValueError):
        return False
    return isinstance(known, dict) and known.get(file.name) == file.size


def _progress(said: Mapping[str, Any]) -> str:
    if "waiting" in said:
        return str(said["waiting"])
    have, total = said.get("have", 0), said.get("total", 0)
    share = f"{100 * have // total} %" if total else ""
    return f"fetching the weights: {have / 1e9:.1f} of {total / 1e9:.1f} GB {share}".rstrip() if total else "fetching"
