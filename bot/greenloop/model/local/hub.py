"""The program that asks the Hugging Face hub and fetches from it: a process of its own, the only one that knows the
hub's library and the hub's token.

    python -m greenloop.model.local.hub ORDER     one JSON object in, JSON lines out; the last one is the result

An order is `{"do": "look", "repository", "revision"}` or `{"do": "fetch", "repository", "commit", "files", "folder"}`.
A file is fetched beside its place, from where an earlier attempt broke off, and put there when its hash is right.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from io import BytesIO
from pathlib import Path
from typing import IO, Any, Self

PART, MARK = ".part", ".greenloop.json"
MAGIC = {".gguf": b"GGUF"}
_SMALL = 4 * 1024 * 1024  # bytes of a file of text, at most; a larger one is no config.json
_RESERVE = 1 << 30  # of disk that stays free
_EVERY = 1.0  # seconds between two words about progress
_BLOCK = 1 << 20
_OPEN = 60.0
_LONGEST_HEADER = 100_000_000  # safetensors' own limit

NO_LIBRARY = "huggingface-hub is not installed: pip install 'greenloop[local]'"
NO_REVISION = "{repository} has no revision {revision!r}."
NO_REPOSITORY = "{repository} is not there, or only for some people: set HF_TOKEN to a token that may read it."
GATED = "{repository} asks for its licence to be accepted. Do that on its page, then set HF_TOKEN."
NOT_REACHED = "The hub at {endpoint} cannot be reached: {why}."
NO_ROOM = "The disk of {folder} has {free} free, and {needed} are needed ({reserve} stay free). Nothing was fetched."
FULL = "The disk of {folder} ran full at {name}; what was fetched stays, and the next attempt goes on from there."
DAMAGED = "{name} arrived damaged: its hash is {found}…, not {wanted}…. It was removed; try again."
FOREIGN = "{name} is not what its name says, and was removed: it does not begin as {kind} does."
BROKE = "The download of {name} broke off: {why}. What arrived stays, and the next attempt goes on from there."


class Told(Exception):
    """What went wrong, for people."""


def main(order: str) -> int:
    try:
        wanted = json.loads(order)
        done = look(**wanted) if wanted.pop("do") == "look" else fetch(**wanted)
        say(**done)
    except Told as error:
        say(error=str(error))
        return 1
    return 0


def say(**words: object) -> None:
    sys.stdout.write(json.dumps(words) + "\n")
    sys.stdout.flush()


def look(repository: str, revision: str) -> dict[str, Any]:
    """What a revision holds, and which commit it is now."""
    with _hub(repository, revision) as hub:
        found = hub.HfApi(endpoint=_endpoint(hub)).model_info(
            repository, revision=revision or None, files_metadata=True, timeout=_OPEN
        )
        listed = [
            {"name": s.rfilename, "size": s.size or 0, "sha256": s.lfs.sha256 if s.lfs else "", "blob": s.blob_id or ""}
            for s in found.siblings or []
        ]
        size = next((entry["size"] for entry in listed if entry["name"] == "config.json"), 0)
        config = _config(hub, repository, found.sha or "", size) if 0 < size < _SMALL else {}
    return {"commit": found.sha, "files": listed, "config": config}


def _config(hub: Any, repository: str, commit: str, size: int) -> Any:  # noqa: ANN401 - a module; JSON
    read = BytesIO()
    address = hub.hf_hub_url(repository, "config.json", revision=commit, endpoint=_endpoint(hub))
    hub.file_download.http_get(address, read, headers=hub.utils.build_hf_headers(), expected_size=size)
    try:
        return json.loads(read.getvalue())
    except ValueError:
        return {}


def fetch(repository: str, commit: str, files: list[dict[str, Any]], folder: str) -> dict[str, Any]:
    """Each file in its place, or `Told`. Only one process at a time fills a folder; the others wait for it."""
    place = Path(folder)
    place.mkdir(parents=True, exist_ok=True)
    with (place / f"{MARK}.lock").open("w") as lock:
        _locked(lock)
        known = _known(place)
        missing = [f for f in files if known.get(f["name"]) != f["size"] or not (place / f["name"]).is_file()]
        _require_room(place, missing)
        total, before = sum(f["size"] for f in files), sum(f["size"] for f in files if f not in missing)
        for file in missing:
            target = place / file["name"]
            target.parent.mkdir(parents=True, exist_ok=True)
            _one(repository, commit, file, target, _Bar(before, total))
            before += file["size"]
            known[file["name"]] = file["size"]
            (place / MARK).write_text(json.dumps(known))
    return {"folder": str(place), "fetched": len(missing)}


def _locked(lock: IO[str]) -> None:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        say(waiting="another process is fetching the same")
        fcntl.flock(lock, fcntl.LOCK_EX)


def _known(place: Path) -> dict[str, int]:
    """The files whose hashes have been checked, by name, with their sizes."""
    try:
        found = json.loads((place / MARK).read_text())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _require_room(place: Path, missing: list[dict[str, Any]]) -> None:
    there = sum(_size(place / f"{f['name']}{PART}") for f in missing)
    needed = max(0, sum(f["size"] for f in missing) - there)
    disk = os.statvfs(place)
    free = disk.f_bavail * disk.f_frsize
    if missing and free < needed + _RESERVE:
        words = {"free": _gib(free), "needed": _gib(needed), "reserve": _gib(_RESERVE)}
        raise Told(NO_ROOM.format(folder=place, **words))


def _one(repository: str, commit: str, file: Mapping[str, Any], target: Path, told: _Bar) -> None:
    name, part = file["name"], target.with_name(target.name + PART)
    if _size(part) > file["size"]:
        part.unlink()
    try:
        with _hub(repository, commit) as hub, part.open("ab") as out:
            address = hub.hf_hub_url(repository, name, revision=commit, endpoint=_endpoint(hub))
            hub.file_download.http_get(
                address,
                out,
                resume_size=out.tell(),
                headers=hub.utils.build_hf_headers(),
                expected_size=file["size"],
                displayed_filename=name,
                tqdm_class=told,
            )
    except OSError as error:
        if error.errno == 28:  # ENOSPC
            raise Told(FULL.format(folder=target.parent, name=name)) from None
        raise Told(BROKE.format(name=name, why=_plain(error))) from None
    _require_whole(part, file)
    part.replace(target)


def _require_whole(part: Path, file: Mapping[str, Any]) -> None:
    name, wanted = file["name"], file["sha256"] or file["blob"]
    found = _sha256(part) if file["sha256"] else _blob(part)
    if found != wanted:
        part.unlink()
        raise Told(DAMAGED.format(name=name, found=found[:12], wanted=wanted[:12]))
    with part.open("rb") as read:
        head = read.read(9)
    kind = Path(name).suffix
    length = int.from_bytes(head[:8], "little")
    tensors = kind != ".safetensors" or (head[8:] == b"{" and length < _LONGEST_HEADER)
    if not head.startswith(MAGIC.get(kind, b"")) or not tensors:
        part.unlink()
        raise Told(FOREIGN.format(name=name, kind=kind.strip(".")))


def _sha256(path: Path) -> str:
    with path.open("rb") as read:
        return hashlib.file_digest(read, "sha256").hexdigest()


def _blob(path: Path) -> str:
    """As git names what is in it."""
    data = path.read_bytes()
    return hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0


class _Bar:
    """As the hub's library uses a bar of tqdm's; says how much of everything is here, once a second."""

    told = 0.0

    def __init__(self, before: int, total: int) -> None:
        self._have, self._total = before, total

    def __call__(self, *_: object, initial: int = 0, **__: object) -> Self:
        self.update(initial)
        return self

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """There is nothing to end."""

    def update(self, count: float = 1) -> None:
        self._have += int(count)
        if time.monotonic() - _Bar.told >= _EVERY:
            _Bar.told = time.monotonic()
            say(have=self._have, total=self._total)


@contextmanager
def _hub(repository: str, revision: str) -> Iterator[Any]:
    """The library, with its errors as `Told`."""
    os.environ |= {"HF_HUB_DISABLE_TELEMETRY": "1", "HF_HUB_DISABLE_UPDATE_CHECK": "1"}
    try:
        import huggingface_hub

        hub: Any = huggingface_hub
        errors: Any = import_module("huggingface_hub.errors")
        import_module("huggingface_hub.file_download")  # which the package does not import by itself
    except ImportError:
        raise Told(NO_LIBRARY) from None
    try:
        yield hub
    except errors.GatedRepoError:
        raise Told(GATED.format(repository=repository)) from None
    except errors.RepositoryNotFoundError:
        raise Told(NO_REPOSITORY.format(repository=repository)) from None
    except (errors.RevisionNotFoundError, errors.RevisionResolutionError):
        raise Told(NO_REVISION.format(repository=repository, revision=revision)) from None
    except (errors.HTTPError, errors.OfflineModeIsEnabled) as error:
        raise Told(NOT_REACHED.format(endpoint=_endpoint(hub), why=_plain(error))) from None


def _endpoint(hub: Any) -> str:  # noqa: ANN401 - a module
    return os.environ.get("HF_ENDPOINT", "").rstrip("/") or hub.constants.ENDPOINT


def _plain(error: BaseException) -> str:
    """One line, without the address of the request: some hold a signature."""
    text = " ".join(str(error).split()).partition(" for url")[0].partition("(Request ID")[0]
    return f"{type(error).__name__}: {text[:200]}".rstrip(". :")


def _gib(count: int) -> str:
    return f"{count / (1 << 30):.1f} GiB"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
