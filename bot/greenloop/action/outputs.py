"""What the runner and the next steps read: outputs, the job summary, and result.json in the workspace.

Each function answers with a sentence about what went wrong, or "": a full disk must not hide how the run ended.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from greenloop.action.inputs import Runner

KEPT = ("report.md", "findings.sarif", "recording.jsonl", "result.json")  # the last one tells that all are there
RESULT = ".greenloop/result.json"  # relative to the workspace, which has another path outside the container
# GitHub drops a summary of more than 1 MiB as a whole; it counts the step's, and there is nothing in it but ours
SUMMARY_BYTES = 1_000_000
CUT = "\n\nThe rest does not fit into a job summary; result.json has all of it.\n"
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


def pass_by(runner: Runner) -> int:
    """An event that is not for us. A later step can see it; no log is filled with it."""
    write_outputs(runner.output_path, {"status": "skipped", "reason": "not_for_us"})
    return 0


def of(result: Mapping[str, Any], kept: str) -> dict[str, str]:
    """The outputs of action.yml; what there is none of is empty."""
    used = result["usage"]
    known = {name: result[name] for name in ("status", "reason", "evidence", "branch")}
    known |= {name: result[name] for name in ("pull_request_number", "pull_request_url")}
    known |= {"attempts": len(result["attempts"]), "tokens": used["input"] + used["output"]}
    known |= {"cost": None if used["cost"] is None else f"{used['cost']:.6f}", "result": kept}
    return {name: "" if value is None else str(value) for name, value in known.items()}


def write_outputs(path: str, values: Mapping[str, str]) -> str:
    if not path:
        return ""
    text = "".join(_entry(name, value) for name, value in values.items())
    return _append(path, text, "The outputs")


def _drawn() -> str:
    return os.urandom(16).hex()


def _entry(name: str, value: str, draw: Callable[[], str] = _drawn) -> str:
    """The delimiter is drawn after the value is known, so nothing in the value can end it and begin an output."""
    delimiter = next(drawn for drawn in iter(draw, "") if drawn not in value)
    return f"{name}<<{delimiter}\n{value}\n{delimiter}\n"


def write_summary(path: str, text: str) -> str:
    return _append(path, bounded(text, SUMMARY_BYTES), "The job summary") if path else ""


def bounded(text: str, limit: int) -> str:
    """Cut between two lines, and out of a code block that the cut leaves open."""
    data = text.encode(errors="replace")
    if len(data) <= limit:
        return data.decode()
    room = limit - len(CUT.encode()) - 100  # for the end of a code block
    kept = data[:room].decode(errors="ignore").rpartition("\n")[0]
    return f"{kept}\n{_open_fence(kept)[:99]}{CUT}"


def _open_fence(text: str) -> str:
    fence = ""
    for line in text.splitlines():
        ticks = line[: len(line) - len(line.lstrip("`"))]
        if fence and ticks == line.rstrip() and len(ticks) >= len(fence):
            fence = ""
        elif not fence and len(ticks) >= 3:
            fence = ticks
    return fence


def _append(path: str, text: str, what: str) -> str:
    try:
        with Path(path).open("a", encoding="utf-8", errors="replace") as file:
            file.write(text)
    except OSError as error:
        return f"{what} could not be written to {path}: {error.strerror}."
    return ""


def keep(workspace: Path, files: Mapping[str, str]) -> tuple[str, str]:
    """`files` (result.json among them) where git does not see them, in the place of an earlier step's; returns the path
    of result.json relative to the workspace, and what went wrong.

    The workspace holds whatever was checked out: no link in it is followed, and nothing in it is written over but an
    earlier result. Root gives what it makes to the owner of the workspace, whose next job has to clean it up.
    """
    try:
        top = os.open(workspace, _FOLDER & ~os.O_NOFOLLOW)
        try:
            owner = os.fstat(top)
            folder = _folder(top, owner)
            try:
                with suppress(FileExistsError):
                    _write(folder, ".gitignore", b"*\n", owner)
                for name in KEPT:
                    _replace(folder, name, files.get(name), owner)
            finally:
                os.close(folder)
        finally:
            os.close(top)
    except OSError as error:
        return "", f"{RESULT} could not be written to {workspace}: {error.strerror}."
    return RESULT, ""


def _folder(top: int, owner: os.stat_result) -> int:
    name = os.path.dirname(RESULT)  # noqa: PTH120 - a name, not a path
    made = False
    with suppress(FileExistsError):
        os.mkdir(name, 0o755, dir_fd=top)
        made = True
    folder = os.open(name, _FOLDER, dir_fd=top)
    if made:
        _give(folder, owner)
    return folder


def _replace(folder: int, name: str, text: str | None, owner: os.stat_result) -> None:
    if text is None:
        with suppress(FileNotFoundError):
            os.unlink(name, dir_fd=folder)
        return
    unfinished = f".unfinished-{os.urandom(8).hex()}"
    _write(folder, unfinished, text.encode(errors="replace"), owner)
    try:
        os.replace(unfinished, name, src_dir_fd=folder, dst_dir_fd=folder)
    except OSError:
        os.unlink(unfinished, dir_fd=folder)
        raise


def _write(folder: int, name: str, data: bytes, owner: os.stat_result) -> None:
    with os.fdopen(os.open(name, _NEW, 0o644, dir_fd=folder), "wb") as file:
        file.write(data)
        _give(file.fileno(), owner)


def _give(descriptor: int, owner: os.stat_result) -> None:
    if os.geteuid() == 0:
        with suppress(OSError):  # an owner that this user namespace does not know: it is readable all the same
            os.fchown(descriptor, owner.st_uid, owner.st_gid)
