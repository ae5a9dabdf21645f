"""A Python where nobody else may go, such as one below a home folder of mode 0700, laid where another user can run it.

Second names of its files in a folder that all may enter, so that it costs no room; what names the old place in a
virtual environment (its links, `pyvenv.cfg`, the first lines of its programs) is written anew. Only interpreters and
virtual environments are laid so: any other closed path is refused, for whoever closed it may have meant it.
"""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

PREFIX = "greenloop-python-"
_ENTER = stat.S_IROTH | stat.S_IXOTH
_LONGEST_SCRIPT = 1 << 16


@dataclass(frozen=True, slots=True)
class Moved:
    """Where each closed Python is now."""

    places: Mapping[str, str]

    def word(self, text: str) -> str:
        """A path, or a list of paths, with the new places in it."""
        return ":".join(map(self._path, text.split(":")))

    def _path(self, text: str) -> str:
        for old, new in self.places.items():
            if text == old or text.startswith(f"{old}/"):
                return new + text[len(old) :]
        return text

    def text(self, data: bytes) -> bytes:
        for old, new in self.places.items():
            data = data.replace(os.fsencode(old), os.fsencode(new))
        return data

    @property
    def libraries(self) -> str:
        """Folders of a shared libpython, which its programs look for at the old place."""
        return ":".join(f"{new}/lib" for new in self.places.values() if any(Path(new, "lib").glob("libpython3*.so*")))


def moved(readable: Iterable[str]) -> Moved:
    """Lay each closed Python among `readable`, and each environment that borrows one, if that was not done before."""
    paths = tuple(readable)
    closed = [path for path in paths if _is_python(path) and _is_closed(path)]
    closed += [path for path in paths if path not in closed and _borrows(path, closed)]
    places = {path: _place(path) for path in sorted(closed, key=len, reverse=True)}
    made = Moved(places)
    for old, new in sorted(places.items(), key=lambda pair: Path(pair[0], "pyvenv.cfg").exists()):
        _laid(Path(old), Path(new), made)
    return made


def _is_python(path: str) -> bool:
    return Path(path, "pyvenv.cfg").is_file() or any(Path(path, "lib").glob("python3*/os.py"))


def _is_closed(path: str) -> bool:
    """To another user, who needs to pass every folder above it."""
    above = any(not folder.stat().st_mode & stat.S_IXOTH for folder in Path(path).parents)
    return above or Path(path).stat().st_mode & _ENTER != _ENTER


def _borrows(path: str, closed: list[str]) -> bool:
    if not Path(path, "pyvenv.cfg").is_file():
        return False
    real = os.path.realpath(Path(path, "bin", "python3"))
    return any(real.startswith(f"{prefix}/") for prefix in closed)


def _place(path: str) -> str:
    """The same for the same installation, as long as nothing is installed or removed in it."""
    folders = [Path(path), Path(path, "bin"), *Path(path, "lib").glob("python3*/site-packages")]
    marks = [(folder.stat().st_ino, folder.stat().st_mtime_ns) for folder in folders if folder.exists()]
    key = sha256(repr((path, os.geteuid(), marks)).encode()).hexdigest()[:16]
    return str(Path(tempfile.gettempdir()).resolve() / f"{PREFIX}{key}")


def _laid(old: Path, new: Path, made: Moved) -> None:
    """Whole or not at all; what somebody else has put there is not taken. Raises `OSError`."""
    if os.path.lexists(new):
        status = new.lstat()
        if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.geteuid() or status.st_mode & 0o022:
            raise PermissionError(f"{new} is not ours")
        os.utime(new)
        return
    draft = Path(tempfile.mkdtemp(prefix=f"{PREFIX}new-", dir=new.parent))
    try:
        draft.chmod(0o755)
        for source, target in _entries(old, draft):
            _entry(source, target, made)
        draft.rename(new)
    except OSError:
        if not new.is_dir():  # another run was quicker
            raise
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _entries(source: Path, target: Path) -> Iterator[tuple[os.DirEntry[str], Path]]:
    with os.scandir(source) as found:
        for entry in found:
            place = target / entry.name
            if entry.is_dir(follow_symlinks=False):
                place.mkdir(mode=0o755)
                place.chmod(0o755)
                yield from _entries(Path(entry.path), place)
            else:
                yield entry, place


def _entry(source: os.DirEntry[str], target: Path, made: Moved) -> None:
    mode = source.stat(follow_symlinks=False).st_mode
    if stat.S_ISLNK(mode):
        target.symlink_to(made.word(os.readlink(source.path)))  # noqa: PTH115 - a DirEntry
    elif stat.S_ISREG(mode):
        if source.name == "pyvenv.cfg" or (target.parent.name == "bin" and _is_script(source.path)):
            target.write_bytes(made.text(Path(source.path).read_bytes()))
            target.chmod(mode & 0o755 | 0o444)
        elif mode & stat.S_IROTH:
            _link(source.path, target)
        else:
            _copy(source.path, target, mode)


def _is_script(path: str) -> bool:
    with Path(path).open("rb") as file:
        return file.read(2) == b"#!" and os.fstat(file.fileno()).st_size < _LONGEST_SCRIPT


def _link(source: str, target: Path) -> None:
    try:
        os.link(source, target, follow_symlinks=False)
    except OSError:  # on another disk, or more names than there can be
        _copy(source, target, Path(source).stat().st_mode)


def _copy(source: str, target: Path, mode: int) -> None:
    shutil.copyfile(source, target)
    target.chmod(0o755 if mode & stat.S_IXUSR else 0o644)
