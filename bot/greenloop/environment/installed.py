"""What is in a `site-packages` folder, read and changed as files: nothing that was installed is ever executed here."""

from __future__ import annotations

import csv
import json
import re
import shutil
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from greenloop.environment.lines import normal

_SCRIPT = """#!{python}
import sys
from {module} import {first}
sys.exit({call}())
"""
_ENTRY = re.compile(r"\s*([A-Za-z_][\w.]*)\s*:\s*([A-Za-z_]\w*)((?:\.[A-Za-z_]\w*)*)\s*")
_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?")


def site_packages(venv: Path) -> Path:
    """The folder of a POSIX virtual environment made by `venv` or uv."""
    return next(iter(sorted((venv / "lib").glob("python3.*/site-packages"))), venv / "lib")


def pins(folder: Path) -> tuple[str, ...]:
    """`name==version` of each distribution."""
    found = []
    for info in sorted(folder.glob("*.dist-info")):
        name, _, version = info.name.removesuffix(".dist-info").partition("-")
        found.append(f"{normal(name)}=={version}")
    return tuple(found)


def detach(folder: Path, project: Path) -> None:
    """Remove the target's own code that an install command put there, and keep its metadata.

    Otherwise a module that an attempt deletes would still be found, as it was on the base.
    """
    for info in folder.glob("*.dist-info"):
        if _comes_from(info, project):
            for path in _recorded(info, folder):
                path.unlink(missing_ok=True)
    for pth in folder.glob("*.pth"):
        if str(project) in pth.read_text(encoding="utf-8", errors="replace"):
            pth.unlink()


def _comes_from(info: Path, project: Path) -> bool:
    try:
        url = str(json.loads((info / "direct_url.json").read_text(encoding="utf-8"))["url"])
    except (OSError, ValueError, KeyError, TypeError):
        return False
    return url.startswith(project.as_uri())


def _recorded(info: Path, folder: Path) -> Iterator[Path]:
    record = info / "RECORD"
    for row in csv.reader(record.read_text(encoding="utf-8").splitlines() if record.is_file() else []):
        path = folder / row[0] if row else folder
        inside = path.parent.resolve().is_relative_to(folder.resolve()) and ".dist-info/" not in row[0]
        if inside and (path.is_file() or path.is_symlink()):
            yield path


def describe(venv: Path, project: Mapping[str, Any], python: Path) -> None:
    """Make the target itself look installed: name, version, entry points and scripts, as an editable install would.

    Its code is found through PYTHONPATH. A version that only a build could know is given as 0.
    """
    name, version = project.get("name"), project.get("version", "0")
    if not isinstance(name, str) or not _NAME.fullmatch(name) or not re.fullmatch(r"[\w.+!-]+", str(version)):
        return
    folder = site_packages(venv)
    info = folder / f"{normal(name).replace('-', '_')}-{version}.dist-info"
    for other in folder.glob(f"{normal(name).replace('-', '_')}-*.dist-info"):
        shutil.rmtree(other)
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n", encoding="utf-8")
    (info / "INSTALLER").write_text("greenloop\n", encoding="utf-8")
    scripts = {**_texts(project.get("scripts")), **_texts(project.get("gui-scripts"))}
    groups = {"console_scripts": scripts, **_groups(project.get("entry-points"))}
    text = "".join(
        f"[{group}]\n" + "".join(f"{k} = {v}\n" for k, v in items.items()) for group, items in groups.items()
    )
    (info / "entry_points.txt").write_text(text, encoding="utf-8")
    (info / "RECORD").write_text("", encoding="utf-8")
    for script, target in scripts.items():
        _write_script(venv / "bin" / script, target, python)


def _texts(table: object) -> dict[str, str]:
    """Names and values of one line each; others could write sections of their own."""
    if not isinstance(table, dict):
        return {}
    return {k: v for k, v in table.items() if _NAME.fullmatch(k) and isinstance(v, str) and v.isprintable()}


def _groups(table: object) -> dict[str, dict[str, str]]:
    if not isinstance(table, dict):
        return {}
    return {k: _texts(v) for k, v in table.items() if isinstance(k, str) and re.fullmatch(r"[\w.-]+", k)}


def _write_script(path: Path, target: str, python: Path) -> None:
    entry = _ENTRY.fullmatch(target.partition("[")[0])
    if not entry or path.exists() or path.is_symlink():
        return
    module, first, rest = entry.groups()
    path.write_text(_SCRIPT.format(python=python, module=module, first=first, call=first + rest), encoding="utf-8")
    path.chmod(path.stat().st_mode | stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH)
