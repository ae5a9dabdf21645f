"""What imports what in a repository of Python files, and with it: which red tests a change has to mend.

Nothing is run or looked up on a disk. Over-approximates where a module could be one of several files: a test that is
wanted once too often costs an attempt, one that is not wanted would be a lie.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator
from functools import lru_cache

from greenloop.domain import Cause, Report
from greenloop.source.named import names_test
from greenloop.source.statements import Import, imports

Read = Callable[[str], bytes | None]


def wanted(
    baseline: Report,
    *,
    request: str,
    test_command: str,
    changed: Iterable[str],
    paths: Collection[str],
    read: Read,
) -> frozenset[str]:
    """Tests that were red on the base and have to pass: named by the request or by the test command, or in a file that
    imports, even indirectly, something that changed, or that ended inside of it; and what kept all from being built."""
    goals = frozenset(changed)
    through = {
        t.id
        for t in baseline.tests.values()
        if t.red and (t.cause is Cause.BUILD or any(f.path in goals and f.path != t.path for f in t.frames))
    }
    red = {t.id: t.path or t.id.split("::", 1)[0] for t in baseline.tests.values() if t.red}
    named = {
        test
        for test, path in red.items()
        if names_test(request, test, path, known=paths) or names_test(test_command, test, path, known=paths, bare=False)
    }
    rest = {path for test, path in red.items() if test not in named}
    touching = reaches(rest, goals, paths, read)
    return frozenset(named | through | {test for test, path in red.items() if path in touching})


def reaches(tests: Iterable[str], changed: Iterable[str], paths: Collection[str], read: Read) -> frozenset[str]:
    """Those of the test files that import any changed path, even indirectly. Only files that are reached are parsed."""
    starts, goals = set(tests), set(changed)
    if not starts or not goals:
        return frozenset()
    index = _index(frozenset(paths) | goals)
    users = defaultdict(set)
    todo, seen = list(starts), set(starts)
    while todo:
        path = todo.pop()
        for used in _uses(path, index, read, applying=path in starts):
            users[used].add(path)
            if used not in seen:
                seen.add(used)
                todo.append(used)
    return frozenset(starts & _above(goals, users))


def _above(goals: set[str], users: dict[str, set[str]]) -> set[str]:
    """Everything that leads to one of the goals; a goal itself only when it is used by what leads to one."""
    todo, found = list(goals), set()
    while todo:
        for user in users.get(todo.pop(), ()):
            if user not in found:
                found.add(user)
                todo.append(user)
    return found


def dependencies(path: str, paths: Collection[str], read: Read) -> tuple[str, ...]:
    """The repository's files that one file imports directly, in order of appearance."""
    return tuple(_uses(path, _index(frozenset(paths)), read, applying=False))


def _uses(path: str, index: Index, read: Read, *, applying: bool) -> list[str]:
    """Direct imports of one file, and what Python and pytest load before it: its packages and, with `applying`, the
    `conftest.py` of each folder above it."""
    found = [p for p in _above_it(path, "conftest.py") if p in index.paths] if applying else []
    if path.endswith((".py", ".pyi", ".pyw")):
        found += index.packages(path)
        content = read(path)
        for wish in imports(content) if content else ():
            found += index.resolve(wish, path)
    return [p for p in dict.fromkeys(found) if p != path]


def _above_it(path: str, name: str) -> Iterator[str]:
    folder = path.rpartition("/")[0]
    while folder:
        yield f"{folder}/{name}"
        folder = folder.rpartition("/")[0]
    yield name


class Index:
    """The Python files of a repository by the last part of their module's name."""

    def __init__(self, paths: frozenset[str]) -> None:
        self.paths = paths
        self._by_name: dict[str, list[str]] = defaultdict(list)
        for path in sorted(p for p in paths if p.endswith((".py", ".pyi"))):
            self._by_name[_module(path).rpartition("/")[2]].append(path)

    def resolve(self, wish: Import, path: str) -> Iterator[str]:
        """The files that one import names: submodules among its names, and the module or as much of it as there is."""
        if wish.level > path.count("/") + 1:
            return
        above = path.split("/")[: -wish.level] if wish.level else []
        parts = (*above, *filter(None, wish.module.split(".")))
        find = self._at if wish.level else self._absolute
        for name in wish.names:
            yield from find((*parts, name), path)
        for length in range(len(parts), 0, -1):
            files = find(parts[:length], path)
            yield from files
            if files:
                return

    def packages(self, path: str) -> Iterator[str]:
        """What runs before a module of a package does."""
        folder = path.rpartition("/")[0]
        while folder and f"{folder}/__init__.py" in self.paths:
            yield f"{folder}/__init__.py"
            folder = folder.rpartition("/")[0]

    def _at(self, parts: tuple[str, ...], _path: str) -> tuple[str, ...]:
        stem = "/".join(parts)
        return tuple(p for p in (f"{stem}.py", f"{stem}.pyi", f"{stem}/__init__.py") if p in self.paths)

    @lru_cache(maxsize=4096)  # noqa: B019 - indexes are few, and kept by `_index` anyway
    def _absolute(self, parts: tuple[str, ...], path: str) -> tuple[str, ...]:
        """Files that may be this module for the file at `path`: the nearest folder that Python would look in, else
        every place that can be a source root."""
        end = "/".join(parts)
        roots: dict[str, list[str]] = {}
        for candidate in self._by_name.get(parts[-1], ()):
            module = _module(candidate)
            if module == end or module.endswith(f"/{end}"):
                roots.setdefault(module[: len(module) - len(end)].rstrip("/"), []).append(candidate)
        for root in _roots(path):
            if root in roots:
                return tuple(roots[root])
        if parts[0] in sys.stdlib_module_names:
            return ()
        return tuple(p for root, files in roots.items() if f"{root}/__init__.py" not in self.paths for p in files)


def _module(path: str) -> str:
    """`src/a/__init__.py` → `src/a`, `src/a/b.py` → `src/a/b`."""
    stem = path.rpartition(".")[0]
    return stem.removesuffix("/__init__") if stem != "__init__" else ""


def _roots(path: str) -> Iterator[str]:
    """Where Python would look, nearest first: the file's own folder, those above, and their usual source folders."""
    folder = path.rpartition("/")[0]
    while True:
        yield folder
        yield from (f"{folder}/{source}".strip("/") for source in ("src", "lib"))
        if not folder:
            return
        folder = folder.rpartition("/")[0]


@lru_cache(maxsize=4)
def _index(paths: frozenset[str]) -> Index:
    return Index(paths)
