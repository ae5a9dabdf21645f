"""Another repository at one commit, to be read and nothing else: no checkout, no history, no submodules, no links.

Both the server and what it sends are strangers'. What was fetched is kept as a pack, named after its commit; whoever
takes it from there has git count every hash again, so that a pack is what its commit says or it is fetched anew. The
server is asked each time all the same: what it refuses to this token is not read from what another one has left.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory

from greenloop.errors import GreenloopError, UsageError
from greenloop.ports import Entry
from greenloop.workspace.bounds import Bounds
from greenloop.workspace.objects import Objects
from greenloop.workspace.plumbing import Completed, Plumbing, initialised
from greenloop.workspace.remote import Remote

LARGEST = 256 * 1024**2  # bytes of a pack: more is no collection of designs but a disk
_ASKING, _FETCHING = Bounds(60, LARGEST), Bounds(180, LARGEST)
_LISTING = Bounds(60, LARGEST, said=16 * 1024**2)  # a folder may hold others that are the same, as often as git likes
_FILES = {"100644", "100755", "100664"}
_REF = "refs/greenloop/borrowed"
_SAFE = {
    "fetch.unpackLimit": "1",  # one pack, whose size is bounded
    "core.bigFileThreshold": "1m",  # larger objects are not unpacked in memory
    "gc.auto": "0",
}
_NO_REF = "{url} has no branch or tag {ref}. Name one that is there, or a whole commit id."
_FAILED = "{url} could not be read{who}: {why}."
# in git's own words; what the server said is a stranger's, and would stand in a prompt
_WHY = (
    (
        re.compile(r"not found|returned error: 40[134]|could not read Username|Authentication failed"),
        "not there for us",
    ),
    (re.compile(r"Could not resolve|Failed to connect|Connection|timed out|too slow|SSL|certificate"), "no connection"),
    (re.compile(r"returned error: 30\d|redirect"), "it leads elsewhere"),
    (re.compile(r"not our ref|unadvertised object|couldn't find remote ref"), "it has no such commit"),
    (re.compile(r"File too large|out of memory|mmap failed|index-pack|early EOF"), "it is cut, damaged or too large"),
)


@dataclass(frozen=True, slots=True)
class Borrowed:
    """Files of one commit. `folder` goes away with it, where it was made for it alone."""

    commit: str
    plumbing: Plumbing
    objects: Objects
    folder: TemporaryDirectory[str] | None = None

    def entries(self) -> Iterator[Entry]:
        """Plain files; what is beyond a listing's bound is left out."""
        done = self.plumbing.attempt("ls-tree", "-r", "-z", "--long", "--full-tree", self.commit, bounds=_LISTING)
        if done.code > 0:
            raise self.plumbing.failure("ls-tree", done)
        for record in done.out.split(b"\0")[:-1]:
            about, _, name = record.partition(b"\t")
            mode, _, oid, size = about.decode("ascii", "replace").split()
            if mode in _FILES and size.isdigit():
                yield Entry(path=name.decode("utf-8", "surrogateescape"), mode=mode, id=oid, size=int(size))

    def read(self, entry: Entry) -> bytes:
        return self.objects.read(entry.id)

    def close(self) -> None:
        self.objects.close()
        self.plumbing.close()
        if self.folder is not None:
            self.folder.cleanup()


def at_hand(root: Path, ref: str) -> Borrowed:
    """A repository of this machine, at what `ref` names there. Raises `UsageError`."""
    plumbing = Plumbing(root)
    done = plumbing.attempt("rev-parse", "--verify", "--quiet", "--end-of-options", f"{ref}^{{commit}}")
    if done.code:
        plumbing.close()
        raise UsageError(_NO_REF.format(url=root, ref=ref))
    return Borrowed(done.out.decode().strip(), plumbing, Objects(plumbing))


def borrow(remote: Remote, ref: str, *, kept: Path | None) -> Borrowed:
    """What `ref` (a branch, a tag or a whole commit id; "": the default branch) names there; packs lie below `kept`, if
    they may. Raises `GreenloopError`."""
    folder = TemporaryDirectory(prefix="greenloop-borrowed-", ignore_cleanup_errors=True)
    bare = Path(folder.name)
    initialised(bare)
    plumbing = Plumbing(bare)
    try:
        commit = _named(plumbing, remote, ref)
        pack = kept and kept / sha256(remote.url.encode()).hexdigest()[:16] / f"{commit}.pack"
        if pack is None or not _taken(plumbing, pack, commit):
            _fetched(plumbing, remote, commit)
            if pack:
                _keep(bare, pack)
    except BaseException:
        plumbing.close()
        folder.cleanup()
        raise
    return Borrowed(commit, plumbing, Objects(plumbing), folder)


def _named(plumbing: Plumbing, remote: Remote, ref: str) -> str:
    """The commit, by the server's own word: a whole id is asked for as well, lest one be read that it would refuse."""
    full = ref if len(ref) in {40, 64} and not set(ref) - set("0123456789abcdef") else ""
    wanted = ["HEAD"] if full or not ref else [f"refs/tags/{ref}^{{}}", f"refs/tags/{ref}", f"refs/heads/{ref}"]
    done = _asked(plumbing, remote, _ASKING, "ls-remote", "--quiet", "--", remote.url, *wanted)
    lines = (line.partition("\t") for line in done.out.decode("utf-8", "replace").splitlines())
    there = {name: commit for commit, _, name in lines}
    found = full or next((there[name] for name in wanted if name in there), "")
    if not found or set(found) - set("0123456789abcdef"):
        raise GreenloopError(_NO_REF.format(url=remote.url, ref=ref or "that is its default"))
    return found


def _fetched(plumbing: Plumbing, remote: Remote, commit: str) -> None:
    options = ("--quiet", "--depth=1", "--no-tags", "--no-write-fetch-head", "--no-recurse-submodules", "--no-auto-gc")
    _asked(plumbing, remote, _FETCHING, "fetch", *options, "--", remote.url, f"+{commit}:{_REF}")


def _asked(plumbing: Plumbing, remote: Remote, bounds: Bounds, *words: str) -> Completed:
    done = plumbing.attempt(*words, env=remote.environment(_SAFE), bounds=bounds)
    if done.code:
        who = " with the job's token" if remote.token else ""
        why = "it takes too long or is too large" if done.code < 0 else "it sent nothing that git understands"
        why = next((words for pattern, words in _WHY if pattern.search(done.error)), why)
        raise GreenloopError(_FAILED.format(url=remote.url, who=who, why=why))
    return done


def _taken(plumbing: Plumbing, pack: Path, commit: str) -> bool:
    """Whether the pack lay there and holds the commit; git has counted the hashes of all that is in it."""
    try:
        opened = os.open(pack, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        with os.fdopen(opened, "rb") as file:
            data = file.read(LARGEST + 1)
    except OSError:
        return False
    done = plumbing.attempt("index-pack", "--stdin", stdin=data)
    return done.code == 0 and plumbing.attempt("cat-file", "-e", f"{commit}^{{tree}}").code == 0


def _keep(bare: Path, pack: Path) -> None:
    """The newest pack of a repository and no other; whoever reads an older one has it open. A cache that fails costs
    time alone."""
    with suppress(OSError):
        (made,) = (bare / "objects" / "pack").glob("*.pack")
        pack.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        half = pack.with_name(f"{pack.name}.{os.getpid()}")
        half.write_bytes(made.read_bytes())
        half.replace(pack)
        for old in pack.parent.glob("*.pack"):
            if old != pack:
                old.unlink()
