"""What greenloop loads into the target's own pytest: a file with one line per test, whatever else is configured.

PYTEST_DONT_REWRITE. A single file that is laid alone into a folder: the standard library and pytest, Python 3.8 to
3.14, pytest 7 to 9. It judges nothing. Without its order in the environment (a pytest that a test starts) it does
nothing at all. In a worker of xdist it adds what it knows to the reports; the controller writes them down.

Code under test runs in the same process. What can be made hard is made hard: the way out is known to closures only, its
token can be taken once, and who replaces what pytest is made of, or feels for it, is told of. See SECURITY.md.
"""

# ruff: noqa: ANN401 - hooks get objects of pytest that have no public type in every version
# ruff: noqa: PTH100, PTH108, PTH110, PTH118, PTH120, PTH123, PTH208 - plain functions of os.path: no pathlib objects in the process of somebody else's tests

from __future__ import annotations

import faulthandler
import json
import os
import sys
import time
import traceback
import types

import pytest

_getframe = sys._getframe  # noqa: SLF001 - bound before the target's code can replace it
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from types import FrameType, TracebackType
    from typing import Any

    Tell = Callable[..., None]

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


def channel(path: str, token: str) -> Tell:
    """The way out. All it needs is bound here: a test may replace `os.write`, `json`, or the whole file system."""
    open_, write, close, getpid, pid = os.open, os.write, os.close, os.getpid, os.getpid()
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_CLOEXEC", 0)
    encode, ours = json.JSONEncoder().encode, globals()

    def tell(kind: str, **fields: Any) -> None:
        """One line, complete on disk before the next test starts; a forked child of a test says nothing."""
        if getpid() != pid:
            return
        if _getframe(1).f_globals is not ours:  # somebody else has found the way out
            kind, fields = "tampering", {"what": "wrote to the report", "path": "", "line": None}
        line = f"{token} {encode(dict(fields, kind=kind, pid=pid))}\n".encode("ascii")
        handle = open_(path, flags, 0o600)
        try:
            while line:
                line = line[write(handle, line) :]
        finally:
            close(handle)

    return tell


class Watch:
    """Tells of changed files of the target that reach into the process: replaced parts of pytest, plug-ins, memory."""

    def __init__(self, tell: Tell, root: str, changed: list[str], secret: str) -> None:
        self._tell, self._root, self._secret = tell, root.rstrip("/") + "/", secret
        self._changed = frozenset(changed)
        self._told: set[tuple[str, str]] = set()
        self._known: dict[str, str] = {}
        self._parts = _parts()
        self._coded: list[Any] = []  # functions that were given other code
        if hasattr(sys, "addaudithook"):
            sys.addaudithook(self._heard)

    def begin(self) -> None:
        """Plug-ins and conftest files have changed what they like; from now on nobody does."""
        for name, value in self._replaced():
            if self._origin(value) in self._changed:
                self._say("replaced " + name, self._origin(value))
        self._parts = _parts()
        self._coded.clear()

    def look(self, config: Any) -> None:
        for name, value in self._replaced():
            self._say("replaced " + name, self._origin(value))
        mine = [("plug-in of pytest", plugin) for plugin in config.pluginmanager.get_plugins()]
        mine += [("finder of modules", finder) for finder in sys.meta_path]
        for what, value in mine:
            path = self._inside(getattr(value, "__file__", None) or "") or self._origin(type(value))
            if path in self._changed:
                self._say("is a " + what, path)

    def _replaced(self) -> list[tuple[str, Any]]:
        """By identity alone: a value may claim to be equal, and asking it for more is an event of its own."""
        found = []
        for owner, parts in self._parts:
            there = vars(owner)
            for name, value in parts.items():
                now = there.get(name)
                if (now is not value or (self._coded and any(now is f for f in self._coded))) and _runs(name, value):
                    found.append((f"{getattr(owner, '__module__', '') or ''}.{owner.__name__}.{name}".lstrip("."), now))
        return found

    def _origin(self, value: Any) -> str:
        code = getattr(getattr(value, "__func__", value), "__code__", None)
        module = sys.modules.get(getattr(value, "__module__", None) or "")
        return self._inside(code.co_filename if code else getattr(module, "__file__", None) or "")

    def _inside(self, file: str) -> str:
        if file not in self._known:
            path = "" if file.startswith("<") else os.path.abspath(file)
            self._known[file] = path[len(self._root) :] if path.startswith(self._root) else ""
        return self._known[file]

    def _heard(self, event: str, args: tuple[Any, ...]) -> None:
        if event in _FELT or (event in _WATCHED and self._matters(event, args)):
            frame: FrameType | None = _getframe(1)
            if frame is not None and frame.f_globals is globals():
                return
            while frame is not None:
                path = self._inside(frame.f_code.co_filename)
                if path:
                    if path in self._changed:
                        self._say(event, path, frame.f_lineno)
                    return
                frame = frame.f_back

    def _matters(self, event: str, args: tuple[Any, ...]) -> bool:
        """Code of a function swapped; our file, another process, or an existing module of the target written to."""
        if event == "object.__setattr__":
            self._coded += args[:1] if args[1:2] == ("__code__",) else ()
            return args[1:2] == ("__code__",)
        path = args[1 if event == "os.rename" and len(args) > 1 else 0]
        if not isinstance(path, str):
            return False
        if event == "open" and not (isinstance(args[2], int) and args[2] & 3):
            return path.startswith((self._secret, "/proc/")) and not path.startswith(("/proc/self/status", "/proc/cpu"))
        return path.startswith(self._secret) or (
            path.endswith(".py") and bool(self._inside(path)) and os.path.exists(path)
        )

    def _say(self, what: str, path: str, line: int | None = None) -> None:
        if (what, path) not in self._told:
            self._told.add((what, path))
            self._tell("tampering", what=what, path=path, line=line)


# What a process is felt through; `object.__setattr__` is told of the code of functions
_FELT = frozenset(("gc.get_objects", "gc.get_referrers", "gc.get_referents", "sys._current_frames", "sys.addaudithook"))
_WATCHED = frozenset(("object.__setattr__", "open", "os.rename", "os.remove", "os.truncate"))


def _parts() -> list[tuple[Any, dict[str, Any]]]:
    """The modules and classes of pytest, pluggy and the builtins, with what each holds now."""
    modules = [m for n, m in list(sys.modules.items()) if n.split(".")[0] in {"_pytest", "pluggy", "builtins"}]
    inside = ((module, v) for module in modules for v in vars(module).values() if isinstance(v, type))
    owners: list[Any] = [*modules, *(v for module, v in inside if v.__module__ == module.__name__)]
    return [(owner, dict(vars(owner))) for owner in owners]


def _runs(name: str, value: Any) -> bool:
    return (callable(value) or isinstance(value, (staticmethod, classmethod, property))) and name not in _MOVING


_MOVING = frozenset(("__abstractmethods__", "_", "_abc_impl", "__subclasshook__"))


class Describer:
    """Adds to each red report what its exception was: type, text, and the frames inside the repository."""

    def __init__(self, root: str) -> None:
        self._root = root.rstrip("/") + "/"

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_runtest_makereport(self, item: Any, call: Any) -> Generator[None, Any, None]:  # noqa: ARG002 - a hook
        report = (yield).get_result()
        if call.excinfo is not None and report.outcome in {"failed", "passed"}:
            report.greenloop = self.told(call.excinfo.value, call.excinfo.tb)
            report.greenloop_word = "error" if report.when != "call" else "failed"  # whoever says that it passed

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
        kinds = [name for name, kind in _KINDS if isinstance(value, kind)] + ["offline"] * _offline(value)
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

    def __init__(self, tell: Tell, watch: Watch, root: str, rootdir: str) -> None:
        self._tell, self._watch, self._root, self._rootdir = tell, watch, root, rootdir
        self._open: dict[str, dict[str, Any]] = {}
        self._tests = 0

    def pytest_sessionstart(self) -> None:
        self._watch.begin()
        self._tell("session")

    @pytest.hookimpl(trylast=True)
    def pytest_collection_finish(self, session: Any) -> None:
        self._watch.look(session.config)

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
        word = max(_word(report), getattr(report, "greenloop_word", ""), key=_RANK.__getitem__)
        if _RANK[word] <= _RANK[test["outcome"]]:
            return
        test["outcome"] = word
        if word in {"failed", "error"}:
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
        self._watch.look(session.config)
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


def _offline(value: BaseException) -> bool:
    """Whether it comes from a socket that was not to be had: refused as it was made, whoever wrapped that since."""
    found: list[Any] = [value]
    for one in found:
        tb = one.__traceback__
        while tb is not None and tb.tb_next is not None:
            tb = tb.tb_next
        made = tb is not None and tb.tb_frame.f_code.co_filename.endswith(os.sep + "socket.py")
        if made and isinstance(one, PermissionError) and one.errno == 1:
            return True
        more = (one.__cause__, one.__context__, *getattr(one, "exceptions", ()))
        found += [other for other in more if isinstance(other, BaseException) and other not in found][: 20 - len(found)]
    return False


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


def _traced_late(seconds: float) -> None:
    """Where it hangs is told before it is ended: who ends it cannot ask. A fork would wait for this for ever."""
    end, out = time.monotonic() + seconds, os.dup(2)

    def start() -> None:
        faulthandler.dump_traceback_later(max(1.0, end - time.monotonic()), file=out)

    os.register_at_fork(before=faulthandler.cancel_dump_traceback_later, after_in_parent=start)
    start()


def _seat(report: str) -> str:
    """A token that nobody takes twice, or "": this session has no way to report, and greenloop will miss it."""
    folder = os.path.dirname(report)
    for name in sorted(n for n in os.listdir(folder) if n.startswith("seat-")):
        try:
            with open(os.path.join(folder, name), encoding="ascii") as file:
                token = file.read()
            os.unlink(os.path.join(folder, name))
        except OSError:
            continue
        return token
    return ""


def _first_hook(tell: Tell | None, given: dict[str, Any]) -> Any:
    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_load_initial_conftests() -> Generator[None, Any, None]:
        sys.modules.pop(__name__, None)
        outcome = yield
        if tell is None:
            return
        failed = outcome.excinfo
        if failed is None:
            tell("ready")
        elif failed[0].__name__ == "ConftestImportFailure":
            value = getattr(failed[1], "cause", None) or failed[1].excinfo[1]
            path = os.path.relpath(str(failed[1].path), given["root"])
            told = Describer(given["root"]).told(value, value.__traceback__)
            tell("uncollected", id=path, path=path, told=told)

    return pytest_load_initial_conftests


def _lines(tell: Tell | None, order: dict[str, Any]) -> Any:
    """What sees which changed lines run; in a worker of xdist too, which has no order yet and no way to write."""
    folder = order.get("folder") or os.path.dirname(os.path.abspath(__file__))
    place = os.path.join(folder, "order.json")
    if tell is None and "PYTEST_XDIST_WORKER" in os.environ and os.path.exists(place):
        with open(place, encoding="utf-8") as file:
            order = json.load(file)
    if not order.get("lines") or not (sys.version_info >= (3, 12) or order["trace"]):
        return None
    ran: Any = types.ModuleType("greenloop_ran")
    place = os.path.join(folder, "greenloop_ran.py")
    with open(place, encoding="utf-8") as source:  # by its place: an import could find a namesake first
        exec(compile(source.read(), place, "exec", dont_inherit=True), ran.__dict__)  # noqa: S102 - our own file

    def say(kind: str, **fields: Any) -> None:
        if tell is not None and _getframe(1).f_globals is ran.__dict__:
            tell(kind, **fields)

    return ran.started(order["root"], order["lines"], say if tell else None)


def _hooks(given: dict[str, Any]) -> dict[str, Any]:
    """The hooks of this module, with all that they share out of reach of a name."""
    token = _seat(given["report"]) if given else ""
    tell = channel(given["report"], token) if token else None
    watch = Watch(tell, given["root"], given.get("changed", []), os.path.dirname(given["report"])) if tell else None
    if tell:
        tell("begin", pytest=pytest.__version__)
    lines = _lines(tell, given)

    @pytest.hookimpl(tryfirst=True)
    def pytest_configure(config: Any) -> None:
        worker = getattr(config, "workerinput", {}).get("greenloop")
        mine = json.loads(worker) if worker else given
        if not mine:
            return
        order = Order(mine["first"], mine["only"])
        order.apply(config)
        if tell is not None and watch is not None:
            _traced_late(mine["seconds"] * 0.8)
            recorder = Recorder(tell, watch, mine["root"], str(config.rootpath))
            config.pluginmanager.register(recorder, "greenloop-recorder")
        config.pluginmanager.register(Describer(mine["root"]), "greenloop-describer")
        config.pluginmanager.register(order, "greenloop-order")
        if lines is not None:
            config.pluginmanager.register(lines, "greenloop-lines")
        if not (getattr(config.option, "numprocesses", None) or getattr(config.option, "tx", None)) or worker:
            _scrub(mine)

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(node: Any) -> None:
        """A worker of xdist learns what it needs; it has no way to write."""
        if given:
            node.workerinput["greenloop"] = json.dumps(given)

    return {
        "pytest_load_initial_conftests": _first_hook(tell, given),
        "pytest_configure": pytest_configure,
        "pytest_configure_node": pytest_configure_node,
    }


globals().update(_hooks(_taken()))
