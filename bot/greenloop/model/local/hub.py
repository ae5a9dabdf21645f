"""The program that asks the Hugging Face hub and fetches from it: a process of its own, the only one that knows the
hub's library and the hub's token.

    python -m greenloop.model.local.hub ORDER     one JSON object in, JSON lines out; the last one is the result

An order is `{"do": "look", "repository", "revision"}` or `{"do": "fetch", "repository", "commit", "files", "folder"}`.
A file is fetched beside its place, from where an earlier attempt broke off, and put there when its hash is right. The
hub may be anybody's: what it says is bounded, in memory and on disk.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import re
import resource
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import partial
from importlib import import_module
from io import BytesIO
from pathlib import Path
from typing import IO, Any

from greenloop.model.local.arrived import PART, Told, require_own, require_room, require_whole, size
from greenloop.model.local.busy import patiently
from greenloop.model.local.mirrors import ANONYMOUS, ENDPOINT, HUB
from greenloop.model.local.saying import EVERY, Bar, Exceeded, say

MARK = ".greenloop.json"
_SMALL = 4 * 1024 * 1024  # bytes of a file of text, at most; a larger one is no config.json
_MEMORY = 1 << 30  # bytes of addresses of this process: a list that does not end ends there
_MOST, _LONGEST = 10_000, 500  # files of a repository, letters of a name
_LARGEST = 1 << 62
_OPEN = 60.0
_COMMIT = re.compile(r"[0-9a-f]{40}")

NO_LIBRARY = "huggingface-hub is not installed: pip install 'greenloop[local]'"
NO_REVISION = "{repository} has no revision {revision!r}."
OTHER = "{repository} gives another commit for {revision}: {found}. A commit never becomes another one."
NO_REPOSITORY = "{repository} is not there, or only for some people: set HF_TOKEN to a token that may read it."
GATED = "{repository} asks for its licence to be accepted. Do that on its page, then set HF_TOKEN."
WITHHELD = (
    " No token of yours is sent to {endpoint}, which is not huggingface.co; one that is meant for it goes there with "
    "GREENLOOP_ENDPOINTS={endpoint} in the environment."
)
NOT_REACHED = "The hub at {endpoint} cannot be reached: {why}."
ODD = "The hub at {endpoint} says something that cannot be: {why}."
LARGER = "The hub at {endpoint} sends more of {name} than the {size} bytes that it lists; no more was taken."
ENDLESS = "The hub at {endpoint} says more than anybody could read."
FULL = "The disk of {folder} ran full at {name}; what was fetched stays, and the next attempt goes on from there."
BROKE = "The download of {name} broke off: {why}. What arrived stays, and the next attempt goes on from there."
UNWRITTEN = "The weights cannot be kept: {why}. `GREENLOOP_STORE` may name another folder."


def main(order: str) -> int:
    with suppress(ValueError, OSError):  # less is allowed already
        resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    try:
        wanted = json.loads(order)
        done = look(**wanted) if wanted.pop("do") == "look" else fetch(**wanted)
        say(**done)
    except Told as error:
        say(error=str(error))
    except MemoryError:
        say(error=ENDLESS.format(endpoint=_named()))
    except OSError as error:  # those of the network are told; without a number it is the library's, of a length
        say(error=(UNWRITTEN if error.errno else ODD).format(endpoint=_named(), why=_plain(error)))
    else:
        return 0
    return 1


def look(repository: str, revision: str) -> dict[str, Any]:
    """What a revision holds, and which commit it is now."""
    with _hub(repository, revision) as hub:
        asked = partial(hub.HfApi(endpoint=_endpoint(hub)).model_info, repository, revision=revision or None)
        found = patiently(hub, _endpoint(hub), lambda: asked(files_metadata=True, timeout=_OPEN))
        if not _COMMIT.fullmatch(found.sha):
            raise ValueError(f"its commit is {found.sha[:60]!r}")
        if _COMMIT.fullmatch(revision) and found.sha != revision:
            raise Told(OTHER.format(repository=repository, revision=revision, found=found.sha))
        listed = [_listed(sibling) for sibling in found.siblings or []]
        if len(listed) > _MOST:
            raise ValueError(f"a repository of {len(listed)} files")
        length = next((entry["size"] for entry in listed if entry["name"] == "config.json"), 0)
        config = _config(hub, repository, found.sha, length) if 0 < length < _SMALL else {}
    return {"commit": found.sha, "files": listed, "config": config}


def _listed(sibling: Any) -> dict[str, Any]:  # noqa: ANN401 - the library's value, with whatever the hub has said in it
    name, length, lfs = sibling.rfilename, sibling.size or 0, sibling.lfs
    if type(name) is not str or len(name) > _LONGEST or type(length) is not int or not 0 <= length < _LARGEST:
        raise ValueError(f"a file {str(name)[:60]!r} of {str(length)[:60]} bytes")
    return {"name": name, "size": length, "sha256": str(lfs.sha256) if lfs else "", "blob": str(sibling.blob_id or "")}


def _config(hub: Any, repository: str, commit: str, length: int) -> Any:  # noqa: ANN401 - a module; JSON
    read = BytesIO()
    _got(hub, repository, commit, {"name": "config.json", "size": length}, read, Bar(0, length, length=length))
    try:
        return json.loads(read.getvalue())
    except (ValueError, RecursionError):
        return {}


def _got(hub: Any, repository: str, commit: str, file: Mapping[str, Any], out: IO[bytes], bar: Bar) -> None:  # noqa: ANN401 - a module
    """Write what is missing of a file to `out`."""

    def get() -> None:
        hub.file_download.http_get(
            hub.hf_hub_url(repository, file["name"], revision=commit, endpoint=_endpoint(hub)),
            out,
            resume_size=out.tell(),
            headers=hub.utils.build_hf_headers(),
            expected_size=file["size"],
            displayed_filename=file["name"],
            tqdm_class=bar,
        )

    try:
        patiently(hub, _endpoint(hub), get)
    except Exceeded:
        raise Told(LARGER.format(endpoint=_endpoint(hub), **file)) from None


def fetch(repository: str, commit: str, files: list[dict[str, Any]], folder: str) -> dict[str, Any]:
    """Each file in its place, or `Told`. Only one process at a time fills a folder; the others wait for it."""
    place = Path(folder)
    place.mkdir(parents=True, exist_ok=True)
    require_own(place)
    with (place / f"{MARK}.lock").open("w") as lock:
        _locked(lock)
        known = _known(place)
        missing = [f for f in files if known.get(f["name"]) != f["size"] or not (place / f["name"]).is_file()]
        require_room(place, missing)
        total, before = sum(f["size"] for f in files), sum(f["size"] for f in files if f not in missing)
        for file in missing:
            target = place / file["name"]
            target.parent.mkdir(parents=True, exist_ok=True)
            _one(repository, commit, file, target, Bar(before, total, length=file["size"]))
            before += file["size"]
            known[file["name"]] = file["size"]
            (place / MARK).write_text(json.dumps(known))
    return {"folder": str(place), "fetched": len(missing)}


def _locked(lock: IO[str]) -> None:
    """Waits, and says so all the time: whoever says nothing is taken for lost."""
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(waiting="another process is fetching the same")
            time.sleep(EVERY)
        else:
            return


def _known(place: Path) -> dict[str, int]:
    """The files whose hashes have been checked, by name, with their sizes."""
    try:
        found = json.loads((place / MARK).read_text())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _one(repository: str, commit: str, file: Mapping[str, Any], target: Path, bar: Bar) -> None:
    name, part = file["name"], target.with_name(target.name + PART)
    if size(part) > file["size"]:
        part.unlink()
    try:
        with _hub(repository, commit) as hub, part.open("ab") as out:
            _got(hub, repository, commit, file, out, bar)
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise Told(FULL.format(folder=target.parent, name=name)) from None
        raise Told(BROKE.format(name=name, why=_plain(error))) from None
    require_whole(part, file, bar.beat)
    part.replace(target)


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
        raise Told(GATED.format(repository=repository) + _withheld(hub)) from None
    except (errors.RepositoryNotFoundError, errors.HFValidationError):
        raise Told(NO_REPOSITORY.format(repository=repository) + _withheld(hub)) from None
    except (errors.RevisionNotFoundError, errors.RevisionResolutionError):
        raise Told(NO_REVISION.format(repository=repository, revision=revision)) from None
    except (errors.HTTPError, errors.OfflineModeIsEnabled) as error:
        raise Told(NOT_REACHED.format(endpoint=_endpoint(hub), why=_plain(error))) from None
    except (LookupError, TypeError, ValueError, AttributeError, RecursionError) as error:  # the library believes it
        raise Told(ODD.format(endpoint=_endpoint(hub), why=_plain(error))) from None


def _withheld(hub: Any) -> str:  # noqa: ANN401 - a module
    return WITHHELD.format(endpoint=_endpoint(hub)) if ANONYMOUS in os.environ else ""


def _endpoint(hub: Any) -> str:  # noqa: ANN401 - a module
    return os.environ.get(ENDPOINT, "").rstrip("/") or hub.constants.ENDPOINT


def _named() -> str:
    return os.environ.get(ENDPOINT) or HUB


def _plain(error: BaseException) -> str:
    """One line, without the address of the request: some hold a signature."""
    text = " ".join(str(error).split()).partition(" for url")[0].partition("(Request ID")[0]
    return f"{type(error).__name__}: {text[:200]}".rstrip(". :")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
