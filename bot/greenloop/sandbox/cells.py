"""Runs inside the sandbox, started by `python -I -c` with this text: reads cells, runs them, answers.

Orders come on one descriptor and answers go on another, so that nothing a cell prints is taken for an answer. Each
order brings a token that its answer must begin with. The cell runs in this very process: who digs for the token finds
it, and can lie about its own result, which it could choose anyway; time and memory are measured outside.
"""

from __future__ import annotations

import ast
import json
import linecache
import os
import sys
import traceback
from types import ModuleType, TracebackType
from typing import Any

NOTHING: dict[str, Any] = {"result": None, "error": None}


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else f"{text[: limit // 2]} … {text[-limit // 2 :]}"


def _own(trace: TracebackType | None) -> TracebackType | None:
    """The traceback from the cell's own first frame on."""
    while trace is not None and trace.tb_frame.f_globals is globals():
        trace = trace.tb_next
    return trace


def evaluate(text: str, number: int, names: dict[str, Any], limit: int) -> dict[str, Any]:
    """Run it; the value of a last expression is the result."""
    place = f"<cell {number}>"
    linecache.cache[place] = (len(text), None, text.splitlines(keepends=True), place)
    try:
        tree = ast.parse(text, place)
        last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
        exec(compile(tree, place, "exec"), names)  # noqa: S102 - what it is for
        if not isinstance(last, ast.Expr):
            return NOTHING
        value = eval(compile(ast.Expression(last.value), place, "eval"), names)  # noqa: S307 - likewise
        if value is None:
            return NOTHING
        names["_"] = value
        return {"result": _cut(repr(value), limit), "error": None}
    except BaseException as error:  # noqa: BLE001 - the next cell must find us alive
        return {"result": None, "error": _cut(_told(error), limit)}


def _told(error: BaseException) -> str:
    try:
        return "".join(traceback.format_exception(type(error), error, _own(error.__traceback__)))
    except BaseException:  # noqa: BLE001 - an exception that cannot even be shown
        return f"{type(error).__name__}: its text could not be made\n"


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except BaseException:  # noqa: BLE001, S112 - the cell may have closed or replaced it
            continue


def _write(answers: int, token: str, said: dict[str, Any]) -> None:
    payload = json.dumps(said).encode()
    left = memoryview(f"{token} {len(payload)}\n".encode() + payload)
    while left:
        left = left[os.write(answers, left) :]


def main(orders: int, answers: int, limit: int) -> None:
    me = os.getpid()
    for handle in (orders, answers):
        os.set_inheritable(handle, False)
    os.dup2(1, 2)  # one stream, in the order in which it was written
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    sys.path[:0] = ["", *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
    module = ModuleType("__main__")
    sys.modules["__main__"] = module
    source = os.fdopen(orders, "rb")
    _write(answers, "ready", NOTHING)
    number = 0
    while words := source.readline().split():
        number += 1
        text = source.read(int(words[1])).decode("utf-8", "surrogatepass")
        said = evaluate(text, number, module.__dict__, limit)
        _flush()
        if os.getpid() != me:  # a child that the cell made, and that came back here
            os._exit(0)
        _write(answers, words[0].decode(), said)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
