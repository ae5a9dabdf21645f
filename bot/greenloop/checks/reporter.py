"""What greenloop loads into the target's own pytest: a file with one line per test, whatever else is configured.

PYTEST_DONT_REWRITE. A single file that is laid alone into a folder: the standard library and pytest, Python 3.8 to
3.14, pytest 7 to 9. It judges nothing. Without its order in the environment (a pytest that a test starts) it does
nothing at all. In a worker of xdist it adds what it knows to the reports; the controller writes them down.
"""

# ruff: noqa: ANN401 - hooks get objects of pytest that have no public type in every version
# ruff: noqa: PTH100, PTH110, PTH118, PTH123 - plain functions of os.path: no pathlib objects in the process of somebody else's tests

from __future__ import annotations

import json
import os
import sys
import traceback

import pytest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Generator
    from types import TracebackType
    from typing import Any

_ORDER = "GREENLOOP_PYTEST"
_LONGEST = 8_000  # characters of one text; greenloop bounds it again
_RANK = {"": 0, "passed": 1, "xpassed": 2, "skipped": 3, "xfailed": 3, "failed": 4, "error": 5}
_FOREIGN = ("/site-packages/", "/dist-packages/", "/.venv/", "/.tox/", "/.nox/")
_KINDS = (
    ("assertion", AssertionError),
    ("assertion", pytest.fail.Exception),  # also of `pytest.raises` that saw nothing raised
    ("import", ImportError),
    ("name", NameError),
    ("attribute", AttributeError),
)


class Channel:
    """The way out. All it needs is bound here: a test may replace `os.write`, `json`, or the whole file system."""

    def __init__(self, path: str, token: str) -> None:
        self._path, self._token = path, token
        self._open, self._write, self._close, self._getpid = os.open, os.write, os.close, os.getpid
        self._flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_CLOEXEC", 0)
        self._encode = json.JSONEncoder().encode
        self._pid = os.getpid()

    def tell(self, kind: str, **fields: Any) -> None:
        """One line, complete on disk before the next test starts; a forked child of a test says nothing."""
        if self._getpid() != self._pid:
            return
        line = f"{self._token} {self._encode(dict(fields, kind=kind, pid=self._pid))}\n".encode("ascii")
        handle = self._open(self._path, self._flags, 0o600)
        try:
            while line:
                line = line[self._write(handle, line) :]
        finally:
            self._close(handle)


class Describer:
    """Adds to each red report what its exception was: type, text, and the frames inside the repository."""

    def __init__(self, root: str) -> None:
        self._root = root.rstrip("/") + "/"

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_runtest_makereport(self, item: Any, call: Any) -> Generator[None, Any, None]:  # noqa: ARG002 - a hook
        report = (yield).get_result()
        if call.excinfo is not None and report.outcome == "failed":
            report.greenloop = self.told(call.excinfo.value, call.excinfo.tb)

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_make_collect_report(self, collector: Any) -> Generator[None, Any, None]:
        report = (yield).get_result()
        call = getattr(report, "call", None)
        if report.outcome == "failed" and call is not None and call.excinfo is not None:
            value = call.excinfo.value
            real = value.__cause__ or value
            report.greenloop = self.told(real, real.__traceback__)
            report.greenloop["file"] = str(getattr(collector, "path", "") or "")

    def told(self, value: BaseException, tb: TracebackType | None) -> dict[str, Any]:
        kinds = [name for name, kind in _KINDS if isinstance(value, kind)]
        frames = self._frames(tb)
        if isinstance(value, SyntaxError) and self._path(value.filename or ""):
            frames.append([self._path(value.filename or ""), value.lineno or 1, "<module>"])
        text = _said(value)
        for inner in getattr(value, "exceptions", ())[:3]:
            text += "\n" + _said(inner)
        return {
            "error": type(value).__name__[:200],
            "kinds": kinds,
            "message": text[:_LONGEST],
            "frames": frames if len(frames) <= 30 else frames[:10] + frames[-20:],
        }

    def _frames(self, tb: TracebackType | None) -> list[list[Any]]:
        """Path, line and function of each; of a function that calls itself in one line, the first call."""
        found: list[list[Any]] = []
        while tb is not None:
            code = tb.tb_frame.f_code
            frame = [self._path(code.co_filename), tb.tb_lineno, code.co_name[:200]]
            if frame[0] and frame not in found[-1:]:
                found.append(frame)
            tb = tb.tb_next
        return found

    def _path(self, file: str) -> str:
        """A file as the repository knows it, "" for one that is not of the repository."""
        path = "" if file.startswith("<") else os.path.abspath(file)
        inside = path.startswith(self._root) and not any(part in path for part in _FOREIGN)
        return path[len(self._root) :] if inside else ""


class Recorder:
    """Writes what the hooks see. In the controller of xdist they see the workers' reports."""

    def __init__(self, channel: Channel, root: str, rootdir: str) -> None:
        self._tell, self._root, self._rootdir = channel.tell, root, rootdir
        self._open: dict[str, dict[str, Any]] = {}
        self._tests = 0

    def pytest_sessionstart(self) -> None:
        self._tell("session")

    def pytest_collectreport(self, report: Any) -> None:
        if report.outcome != "failed":
            return
        told = getattr(report, "greenloop", None) or {"message": str(report.longrepr)[-_LONGEST:]}
        path = os.path.relpath(told.pop("file", "") or self._absolute(report.nodeid.split("::")[0]), self._root)
        self._tell("uncollected", id=report.nodeid, path=path, told=told)

    def pytest_runtest_logstart(self, nodeid: str, location: tuple[str, int | None, str]) -> None:
        path = os.path.relpath(self._absolute(location[0]), self._root)
        line = None if location[1] is None else location[1] + 1
        self._open[nodeid] = {"id": nodeid, "outcome": "", "path": path, "line": line, "seconds": 0.0}
        self._tell("start", id=nodeid, path=path, line=line)

    def pytest_runtest_logreport(self, report: Any) -> None:
        if report.outcome == "rerun":
            return
        test = self._open.get(report.nodeid)
        if test is None:
            self.pytest_runtest_logstart(report.nodeid, report.location)
            test = self._open[report.nodeid]
        test["seconds"] += getattr(report, "duration", 0.0) or 0.0
        word = _word(report)
        if _RANK[word] <= _RANK[test["outcome"]]:
            return
        test["outcome"] = word
        if report.outcome == "failed":
            test["told"] = getattr(report, "greenloop", None) or {"message": str(report.longrepr)[-_LONGEST:]}
            test["when"] = str(report.when)
            test["output"] = "\n".join("{}:\n{}".format(*section) for section in report.sections)[-_LONGEST:]

    def pytest_runtest_logfinish(self, nodeid: str) -> None:
        test = self._open.pop(nodeid, None)
        if test is not None and test["outcome"]:
            self._tests += 1
            self._tell("test", **test)

    def pytest_keyboard_interrupt(self, excinfo: Any) -> None:
        if type(excinfo.value).__name__ != "Interrupted":
            self._tell("interrupted", message=_said(excinfo.value)[:_LONGEST])

    def pytest_internalerror(self, excinfo: Any) -> None:
        told = Describer(self._root).told(excinfo.value, excinfo.tb)
        self._tell("internal", told=told)

    @pytest.hookimpl(hookwrapper=True, trylast=True)
    def pytest_sessionfinish(self, session: Any) -> Generator[None, Any, None]:
        yield
        for nodeid in [n for n, test in self._open.items() if test["outcome"]]:
            self.pytest_runtest_logfinish(nodeid)
        stopped = str(session.shouldstop or session.shouldfail or "")[:500]
        self._tell(
            "end",
            status=int(session.exitstatus),
            collected=int(session.testscollected),
            tests=self._tests,
            stopped=stopped,
        )

    def _absolute(self, path: str) -> str:
        return os.path.normpath(os.path.join(self._rootdir, path))


class Order:
    """Which tests come first, and which files are the only ones."""

    def __init__(self, first: list[str], only: list[str]) -> None:
        self._first, self._only = {f.split("::")[0] for f in first}, set(only)

    def apply(self, config: Any) -> None:
        """Nothing may end the run early: what was not run cannot be judged."""
        config.option.maxfail = 0
        config.option.continue_on_collection_errors = True
        for name in ("stepwise", "stepwise_skip", "sw_reset"):
            if hasattr(config.option, name):
                setattr(config.option, name, False)
        if self._only:
            config.args = [path for path in sorted(self._only) if os.path.exists(path)]

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, config: Any, items: list[Any]) -> None:
        """Whole files come first, so that tests which lean on their neighbours keep them."""
        if self._only:
            other = [item for item in items if str(item.path) not in self._only]
            if other:
                config.hook.pytest_deselected(items=other)
                items[:] = [item for item in items if str(item.path) in self._only]
        if self._first:
            items.sort(key=lambda item: item.nodeid.split("::")[0] not in self._first)


def _word(report: Any) -> str:
    if report.outcome == "failed":
        return "error" if report.when in {"setup", "teardown"} else "failed"
    if hasattr(report, "context"):  # a part of a test: its failure counts, the rest is said of the whole
        return ""
    if report.outcome == "skipped":
        return "xfailed" if hasattr(report, "wasxfail") else "skipped"
    if report.when == "call":
        return "xpassed" if hasattr(report, "wasxfail") else "passed"
    return ""


def _said(value: BaseException) -> str:
    """What a traceback ends with, the sentence before the place."""
    if type(value).__name__ == "FixtureLookupError" and hasattr(value, "formatrepr"):
        return str(value.formatrepr().errorstring)
    lines = "".join(traceback.format_exception_only(type(value), value)).strip()
    if isinstance(value, SyntaxError):
        return "{}: {}\n{}".format(type(value).__name__, value.msg, lines.rpartition("\n")[0])
    return lines[len("AssertionError: ") :] if lines.startswith("AssertionError: assert ") else lines


def _scrub(given: dict[str, Any]) -> None:
    """Nothing of ours stays in the environment of what the tests start."""
    rest = os.environ.get("PYTEST_ADDOPTS", "").replace(given["addopts"], "").strip()
    paths = [p for p in os.environ.get("PYTHONPATH", "").split(os.pathsep) if p and p != given["folder"]]
    for name, value in (("PYTEST_ADDOPTS", rest), ("PYTHONPATH", os.pathsep.join(paths))):
        if value:
            os.environ[name] = value
        else:
            os.environ.pop(name, None)
    sys.path[:] = [p for p in sys.path if p != given["folder"]]


def _taken() -> dict[str, Any]:
    """The order, taken out of the environment; the lists lie beside this file, being too long for a variable."""
    given: dict[str, Any] = json.loads(os.environ.pop(_ORDER, "{}"))
    if given:
        with open(os.path.join(given["folder"], "order.json"), encoding="utf-8") as file:
            given.update(json.load(file))
    return given


_given = _taken()
_channel = Channel(_given["report"], _given.pop("token")) if _given else None
if _channel is not None:
    _channel.tell("begin", pytest=pytest.__version__)


@pytest.hookimpl(hookwrapper=True, tryfirst=True)
def pytest_load_initial_conftests() -> Generator[None, Any, None]:
    outcome = yield
    if _channel is None:
        return
    failed = outcome.excinfo
    if failed is None:
        _channel.tell("ready")
    elif failed[0].__name__ == "ConftestImportFailure":
        value = getattr(failed[1], "cause", None) or failed[1].excinfo[1]
        path = os.path.relpath(str(failed[1].path), _given["root"])
        told = Describer(_given["root"]).told(value, value.__traceback__)
        _channel.tell("uncollected", id=path, path=path, told=told)


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: Any) -> None:
    worker = getattr(config, "workerinput", {}).get("greenloop")
    given = json.loads(worker) if worker else _given
    if not given:
        return
    order = Order(given["first"], given["only"])
    order.apply(config)
    if _channel is not None:
        config.pluginmanager.register(Recorder(_channel, given["root"], str(config.rootpath)), "greenloop-recorder")
    config.pluginmanager.register(Describer(given["root"]), "greenloop-describer")
    config.pluginmanager.register(order, "greenloop-order")
    if not (getattr(config.option, "numprocesses", None) or getattr(config.option, "tx", None)) or worker:
        _scrub(given)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """A worker of xdist learns what it needs; it has no way to write."""
    if _given:
        node.workerinput["greenloop"] = json.dumps(_given)
