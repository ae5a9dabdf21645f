"""`greenloop init`: writes a commented settings file and a workflow for this repository; never over existing ones."""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import fields
from pathlib import Path

from greenloop.errors import UsageError
from greenloop.settings import FILE, Settings

WORKFLOW = ".github/workflows/greenloop.yml"
NO_REPOSITORY = "{root} is not in a git repository. Run `git init`, or name a checkout with --repo."
EXISTS = "{files} already there; nothing was written. Remove what you no longer need, or overwrite with --force."
LEADS_OUT = "{file} is a link that leads out of the repository; nothing was written. Remove the link."

NEXT = f"""\
Next:
  1. Say which model: `model:` in {FILE}. `greenloop models` tells whether it can be reached.
  2. Commit both files: settings that are not committed do not count.
  3. On GitHub, write where you keep greenloop into `uses: OWNER/greenloop@COMMIT` of the workflow, and keep the model's
     key in the secret GREENLOOP_API_KEY."""

_HEAD = """\
# greenloop: what it may do in this repository, and how it finds out whether that is good.
# Every option is here with an example; without the `#` it is set. Keys of models and tokens are never written here.
"""
_FOUND = "# found in this repository"
_LEFT_OUT = frozenset({"api_key"})
_NODE = (
    "{run: node --test --test-reporter=junit --test-reporter-destination=junit.xml, report: junit.xml, format: junit}"
)
_MANIFESTS = ("pyproject.toml", "setup.py", "setup.cfg", "requirements.txt", "uv.lock")


def init(root: Path, *, force: bool = False) -> tuple[Path, ...]:
    """Write both files, or neither; returns where they are. Raises `UsageError`."""
    top = _top(root)
    texts = {FILE: settings_text(detected(top)), WORKFLOW: workflow_text()}
    there = [name for name in texts if (top / name).exists() or (top / name).is_symlink()]
    if there and not force:
        raise UsageError(EXISTS.format(files=" and ".join(there) + (" is" if len(there) == 1 else " are")))
    for name in texts:
        if not (top / name).resolve().is_relative_to(top):
            raise UsageError(LEADS_OUT.format(file=name))
    return tuple(_write(top / name, text) for name, text in texts.items())


def _top(root: Path) -> Path:
    here = root.resolve()
    for folder in (here, *here.parents):
        if (folder / ".git").exists():
            return folder
    raise UsageError(NO_REPOSITORY.format(root=root))


def _write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(path.name + ".new")
    unfinished.write_text(text, encoding="utf-8")
    unfinished.replace(path)
    return path


def detected(top: Path) -> Mapping[str, str]:
    """Settings, as lines of YAML, that this repository needs to be different from the defaults."""
    directory = _package(top)
    found = {}
    if directory:
        found["directory"] = f"directory: {_quoted(directory)}"
    tests = next((name for name in ("tests", "test") if any((top / directory / name).glob("**/test_*.py"))), "")
    if tests and not _names_its_tests(top / directory):
        found["test_command"] = f"test_command: python -m pytest {tests}"
    return found or _of_javascript(top)


def _of_javascript(top: Path) -> Mapping[str, str]:
    """What takes the place of pytest where the tests are those of package.json and no Python is there."""
    try:
        script = json.loads((top / "package.json").read_text("utf-8"))["scripts"]["test"]
    except (OSError, ValueError, LookupError, TypeError):
        return {}
    python = any((top / name).is_file() for name in _MANIFESTS) or any(top.glob("test_*.py"))
    if python or not isinstance(script, str) or "no test specified" in script:
        return {}
    name, run = ("node", _NODE) if script.strip() == "node --test" else ("npm", "{run: npm test}")
    return {"checks": f"checks: [{name}, integrity]", "commands": f"commands: {{{name}: {run}}}"}


def _package(top: Path) -> str:
    """The one folder with a Python project, at most two levels down, when the root has none."""
    if any((top / name).is_file() for name in _MANIFESTS):
        return ""
    folders = {path.parent for depth in ("*", "*/*") for name in _MANIFESTS[:2] for path in top.glob(f"{depth}/{name}")}
    visible = [folder for folder in folders if not any(p.startswith(".") for p in folder.relative_to(top).parts)]
    return visible[0].relative_to(top).as_posix() if len(visible) == 1 else ""


def _names_its_tests(folder: Path) -> bool:
    files = (folder / name for name in ("pyproject.toml", "pytest.ini", "setup.cfg", "tox.ini"))
    return any(
        re.search(r"^\s*testpaths\b", f.read_text("utf-8", "replace"), re.MULTILINE) for f in files if f.is_file()
    )


def _quoted(text: str) -> str:
    return text if re.fullmatch(r"[A-Za-z][A-Za-z0-9_/.-]*", text) else "'" + text.replace("'", "''") + "'"


def settings_text(found: Mapping[str, str]) -> str:
    """Every option with what it is; those in `found` are set, the others are examples."""
    return "\n".join([_HEAD, *_options(found)])


def _options(found: Mapping[str, str]) -> Iterator[str]:
    for option in fields(Settings):
        if option.name in _LEFT_OUT:
            continue
        yield from textwrap.wrap(option.metadata["doc"], 110, initial_indent="# ", subsequent_indent="# ")
        line = found.get(option.name)
        yield f"{line}  {_FOUND}\n" if line else f"#{option.metadata['example']}\n"


def workflow_text() -> str:
    return Path(__file__).with_name("workflow.yml").read_text(encoding="utf-8")
