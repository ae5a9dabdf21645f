"""Where a project keeps its importable code. The environment holds dependencies only; the target's own code is found
through these folders, because every attempt lies in another place."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from greenloop.environment.tables import at, texts


def sources(root: Path, directory: str, project_file: Mapping[str, Any], *, is_project: bool) -> tuple[str, ...]:
    """Folders for PYTHONPATH, relative to the tree: what an editable install would put on the path."""
    declared = [folder for folder in _declared(project_file.get("tool")) if _plain(folder)]
    src = root / directory / "src"
    if src.is_dir() and not (src / "__init__.py").exists():
        declared.append("src")
    if is_project:
        declared.append("")
    found = (str(PurePosixPath(directory) / folder) for folder in declared)
    return tuple(dict.fromkeys("" if folder == "." else folder for folder in found))


def _plain(folder: str) -> bool:
    return not folder.startswith("/") and ".." not in folder.split("/") and ":" not in folder and folder.isprintable()


def _declared(tool: Any) -> Iterator[str]:  # noqa: ANN401 - TOML of any shape
    """What the common build backends call it."""
    yield from texts([at(tool, "setuptools", "package-dir", "")])
    yield from texts(at(tool, "setuptools", "packages", "find", "where"))
    packages = at(tool, "hatch", "build", "targets", "wheel", "packages")
    yield from (str(PurePosixPath(path).parent) for path in texts(packages))
    yield from texts(at(tool, "hatch", "build", "targets", "wheel", "sources"))
    yield from texts([at(tool, "pdm", "build", "package-dir"), at(tool, "maturin", "python-source")])
    yield from texts([at(tool, "uv", "build-backend", "module-root")])
    poetry = at(tool, "poetry", "packages")
    yield from texts([at(item, "from") for item in poetry] if isinstance(poetry, list) else None)
