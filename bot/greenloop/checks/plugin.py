"""The reporter laid into a folder, and what makes any pytest of a run load it."""

from __future__ import annotations

import json
import marshal
import shlex
import shutil
from collections.abc import Mapping
from functools import cache
from importlib.machinery import SourceFileLoader
from importlib.util import MAGIC_NUMBER
from pathlib import Path
from types import CodeType

from greenloop.ports import Subject

NAME = "greenloop_reporter"
_FILES = {f"{NAME}.py": "loader.py", "reporter.source": "reporter.py", "greenloop_ran.py": "ran.py"}
_CALLED = "<greenloop's reporter>"  # no file, so that a tool which measures the tests does not look for one


def laid(
    plugin: Path, out: Path, *, subject: Subject, tokens: tuple[str, ...], order: Mapping[str, object]
) -> dict[str, str]:
    """The reporter and what it loads alone in a folder, and the environment that makes any pytest of the run load it.

    The cache goes to a private place rather than off: without its plugin, `--ff` in a project's options is an error.
    """
    plugin.mkdir(mode=0o755)
    out.mkdir(mode=0o755)
    plugin.parent.chmod(0o755)
    for name, file in _FILES.items():
        shutil.copyfile(Path(__file__).with_name(file), plugin / name)
    (plugin / "reporter.code").write_bytes(_compiled())
    root = str(subject.folder.resolve())
    only = [f"{root}/{path}" for path in subject.only]
    whole = {**order, "root": root, "first": subject.first, "only": only, "changed": subject.changed}
    (plugin / "order.json").write_text(json.dumps(whole), encoding="utf-8")
    for number, token in enumerate(tokens):
        (out / f"seat-{number:02}").write_text(token, encoding="ascii")
    without = "".join(f" -p {shlex.quote(f'no:{name}')}" for name in subject.environment.withheld)
    options = f"-p {NAME} -o cache_dir={shlex.quote(str(out / 'cache'))}{without}"
    about = {
        "report": str(out / "report"),
        "root": root,
        "folder": str(plugin),
        "addopts": options,
    }
    return {
        "GREENLOOP_PYTEST": json.dumps(about),
        "PYTEST_ADDOPTS": options,
        "PYTHONPATH": str(plugin),
        "PYTHONDONTWRITEBYTECODE": "1",
    }


@cache
def _compiled() -> bytes:
    """The reporter as this interpreter compiles it, behind the number that says for which others that holds."""
    code = SourceFileLoader(NAME, str(Path(__file__).with_name("reporter.py"))).get_code(NAME)
    return MAGIC_NUMBER + marshal.dumps(code and _called(code))


def _called(code: CodeType) -> CodeType:
    inner = tuple(_called(const) if isinstance(const, CodeType) else const for const in code.co_consts)
    return code.replace(co_filename=_CALLED, co_consts=inner)
