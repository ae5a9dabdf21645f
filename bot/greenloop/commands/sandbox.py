"""`greenloop sandbox`: a command, or cells of Python, confined as generated code is, on a copy of a folder."""

from __future__ import annotations

import ast
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from greenloop.errors import UsageError
from greenloop.ports import Completed, Policy, Repl, Sandbox
from greenloop.sandbox.copying import copy_in
from greenloop.sandbox.folders import remove
from greenloop.sandbox.taking import Taken, marks, room_for, take_out

# the exit code when a limit has ended the command; any other code is the command's own
ENDED = {"disk": 119, "output": 120, "memory": 121, "processes": 122, "files": 123, "time": 124, "stopped": 130}
_MB = 1 << 20
_MARK = "# %%"


@dataclass(frozen=True, slots=True, kw_only=True)
class Confined:
    """What is confined, and how far. `disk` and `files` are what may be added to the copy."""

    workspace: Path
    policy: Policy


@contextmanager
def copied(order: Confined) -> Iterator[tuple[Path, Policy]]:
    """The copy, and the policy for it; both are gone afterwards."""
    root = Path(tempfile.mkdtemp(prefix="greenloop-sandbox-")).resolve()
    root.chmod(0o711)  # the run's user passes through it
    try:
        folder = root / (order.workspace.resolve().name or "copy")
        amount, _skipped = copy_in(order.workspace, folder)
        policy = order.policy
        yield (
            folder,
            replace(
                policy,
                writable=(folder, *policy.writable),
                disk=policy.disk + -(-amount.bytes // _MB),
                files=policy.files + amount.files,
            ),
        )
    finally:
        remove(root)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """What became of a command, and of its files when somebody wants them."""

    completed: Completed
    taken: Taken | None = None


def run(argv: tuple[str, ...], order: Confined, sandbox: Sandbox, *, out: Path | None = None) -> Ran:
    """Run the command on a copy; what it made there comes out into `out`. Raises `UsageError` and `NoSandbox`."""
    if not argv:
        raise UsageError("there is no command to run: greenloop sandbox run [options] -- COMMAND [ARGUMENT…]")
    if out is not None:
        room_for(out)
    with copied(order) as (folder, policy):
        before = marks(folder) if out is not None else {}
        completed = sandbox.run(argv, cwd=folder, policy=policy)
        if out is None or completed.killed_by in {"disk", "files"}:
            return Ran(completed=completed)
        return Ran(completed=completed, taken=take_out(folder, out, before, room=policy.disk * _MB))


@contextmanager
def repl(order: Confined, sandbox: Sandbox) -> Iterator[Repl]:
    """A Python on a copy; it ends with the block."""
    with copied(order) as (folder, policy):
        started = sandbox.repl(cwd=folder, policy=policy)
        try:
            yield started
        finally:
            started.close()


def exit_code(completed: Completed) -> int:
    """A limit's own code, or the command's."""
    return ENDED.get(completed.killed_by or "", completed.exit_code)


def cells(lines: Iterable[str]) -> Iterator[str]:
    """Each as soon as it is there whole: at the next mark, or at the end."""
    begun: list[str] = []
    marked = False
    for line in lines:
        if line.startswith(_MARK):
            if "".join(begun).strip():
                yield "".join(begun)
            marked, begun = True, []
        else:
            begun.append(line)
    if marked:
        if "".join(begun).strip():
            yield "".join(begun)
    else:
        yield from _statements("".join(begun))


def _statements(text: str) -> Iterator[str]:
    """The statements at the margin, or all of it when it is no Python: the error is then told by the cell."""
    try:
        body = ast.parse(text).body
    except (SyntaxError, ValueError, RecursionError):
        yield text
        return
    if not body:
        return
    rows = text.splitlines(keepends=True)
    starts = [min([node.lineno, *(d.lineno for d in getattr(node, "decorator_list", []))]) for node in body]
    starts = [row for n, row in enumerate(starts) if n == 0 or row > (body[n - 1].end_lineno or 0)]
    for start, end in zip(starts, [*starts[1:], len(rows) + 1], strict=True):
        yield "".join(rows[start - 1 : end - 1])
