"""Tricks in added Python code: what knows that it is tested, reaches into the tools that judge, or hides itself.

Reads the syntax tree; what it cannot parse, the gate before all checks has told already. Names only: code that builds
the same names out of pieces gets past, and the run itself has to tell (see SECURITY.md).
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from functools import lru_cache

from greenloop.domain import Finding, Severity
from greenloop.verdict.protected_names import is_test

_TOOLS = frozenset({"pytest", "_pytest", "unittest", "greenloop_reporter"})
_KNOWS = re.compile(r"PYTEST_(?:CURRENT_TEST|VERSION|XDIST_WORKER(?:_COUNT)?|ADDOPTS)|GREENLOOP_\w+|_called_from_test")
_HOOK = re.compile(r"pytest_(?:runtest|collection|pyfunc|sessionfinish|report|itemcollected|pycollect|configure)\w*")
_PLUGIN = re.compile(r"(?:^|[/_-])(?:\w*pytest\w*|testing|_testing|plugins?|test_?utils?|noxfile|conftest)(?:[/._-]|$)")
_HIDDEN = re.compile("[\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")
_CODING = re.compile(r"^[ \t\f]*#.*?coding[:=][ \t]*([-\w.]+)")
_PLAIN = frozenset({"utf-8", "utf8", "u8", "ascii", "us-ascii", "latin-1", "latin1", "iso-8859-1", "iso-8859-15"})

_SAYS = {
    "knows-tests": (Severity.ERROR, "makes the code behave otherwise while it is tested"),
    "test-tools": (Severity.ERROR, "reaches into the tools that run the tests"),
    "test-hook": (Severity.ERROR, "is a hook of pytest outside a conftest.py; it would have a say in every result"),
    "always-equal": (Severity.ERROR, "is equal to everything, so no assertion about it can fail"),
    "other-encoding": (Severity.ERROR, "declares an encoding that other tools read as other code"),
    "hidden-text": (Severity.ERROR, "holds characters that cannot be seen and change how the line reads"),
    "memory-walk": (Severity.WARNING, "walks the objects of the process, the test runner's among them"),
    "caller-locals": (Severity.WARNING, "reads the variables of whoever called, such as what a test expects"),
    "replaced-module": (Severity.WARNING, "changes what later imports get"),
    "replaced-builtin": (Severity.WARNING, "replaces a name that all code uses"),
    "ends-process": (Severity.NOTE, "can end the process before its caller"),
    "at-exit": (Severity.NOTE, "runs after everything else, when the process ends"),
    "frames": (Severity.NOTE, "looks at the stack of its callers"),
}


def suspicious(path: str, text: str, added: frozenset[int]) -> Iterator[Finding]:
    """One finding for each trick that begins on an added line."""
    lines = text.split("\n")
    seen: set[tuple[str, int]] = set()
    for rule, line in (*_in_text(path, lines), *_in_tree(path, text)):
        if line in added and (rule, line) not in seen:
            seen.add((rule, line))
            severity, says = _SAYS[rule]
            yield Finding(
                check="integrity",
                rule=rule,
                message=f"This added line {says}.",
                path=path,
                line=line,
                severity=severity,
                context=lines[line - 1].strip()[:500],
            )


def _in_text(path: str, lines: list[str]) -> Iterator[tuple[str, int]]:
    for number, line in enumerate(lines[:2], 1):
        coding = _CODING.match(line)
        if coding and coding[1].lower().replace("_", "-") not in _PLAIN:
            yield "other-encoding", number
    if not is_test(path):
        yield from (
            ("hidden-text", n)
            for n, line in enumerate(lines, 1)
            if _HIDDEN.search(line) and (n > 1 or line[0] != "\ufeff")
        )


@lru_cache(maxsize=8)
def _in_tree(path: str, text: str) -> tuple[tuple[str, int], ...]:
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ()
    tests = is_test(path)
    found: list[tuple[str, int]] = []
    for node in ast.walk(tree):
        for rule, holds in _RULES.items():
            if holds(node, path) and not (tests and rule in _FREE_IN_TESTS):
                found.append((rule, getattr(node, "lineno", 1)))
    return tuple(sorted(found, key=lambda f: f[1]))


def _name(node: ast.AST) -> str:
    """`a.b.c` of a chain of names, or ""."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    return ".".join([node.id, *reversed(parts)]) if isinstance(node, ast.Name) else ""


def _called(node: ast.AST, *names: str) -> bool:
    return isinstance(node, ast.Call) and _name(node.func) in names


def _text(node: ast.AST | None) -> str:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def _knows_tests(node: ast.AST, path: str) -> bool:
    if isinstance(node, ast.Constant):
        return bool(_KNOWS.fullmatch(_text(node))) and not _PLUGIN.search(path)
    if isinstance(node, ast.Compare) and isinstance(node.ops[0], ast.In | ast.NotIn):
        return _text(node.left).split(".")[0] in _TOOLS and _name(node.comparators[0]).endswith("modules")
    return _called(node, "sys.modules.get", "modules.get") and _text(_first(node)).split(".")[0] in _TOOLS


def _first(node: ast.AST) -> ast.AST | None:
    return node.args[0] if isinstance(node, ast.Call) and node.args else None


def _test_tools(node: ast.AST, path: str) -> bool:
    names: list[str] = []
    if isinstance(node, ast.Import):
        names = [alias.name for alias in node.names]
    elif isinstance(node, ast.ImportFrom) and not node.level:
        names = [node.module or ""]
    elif _called(node, "importlib.import_module", "import_module", "__import__"):
        names = [_text(_first(node))]
    inner = any(name.split(".")[0] in {"_pytest", "greenloop_reporter"} for name in names)
    return (inner and not _PLUGIN.search(path)) or (
        isinstance(node, ast.Attribute) and _name(node).startswith("pdb.set_trace.__self__")
    )


def _test_hook(node: ast.AST, path: str) -> bool:
    named = isinstance(node, ast.FunctionDef) and _HOOK.fullmatch(node.name) is not None
    listed = isinstance(node, ast.Assign) and any(_name(t) == "pytest_plugins" for t in node.targets)
    return (named or listed) and not _PLUGIN.search(path)


def _always_equal(node: ast.AST, _path: str) -> bool:
    answer = {"__eq__": True, "__ne__": False}.get(node.name) if isinstance(node, ast.FunctionDef) else None
    if answer is None or not isinstance(node, ast.FunctionDef):
        return False
    body = [n for n in node.body if not (isinstance(n, ast.Expr) and isinstance(n.value, ast.Constant))]
    only = body[0] if len(body) == 1 else None
    return isinstance(only, ast.Return) and isinstance(only.value, ast.Constant) and only.value.value is answer


def _memory_walk(node: ast.AST, _path: str) -> bool:
    return _called(node, "gc.get_objects", "gc.get_referrers", "gc.get_referents", "get_referrers", "get_objects")


def _caller_locals(node: ast.AST, _path: str) -> bool:
    """`sys._getframe(1).f_locals`, `frame.f_back.f_globals`."""
    if not (isinstance(node, ast.Attribute) and node.attr in {"f_locals", "f_globals"}):
        return False
    inner = ast.dump(node.value)
    return any(word in inner for word in ("f_back", "_getframe", "currentframe", "stack", "tb_frame"))


def _replaced_module(node: ast.AST, _path: str) -> bool:
    if _called(node, "sys.meta_path.insert", "sys.meta_path.append", "sys.path_hooks.insert", "sys.path_hooks.append"):
        return True
    targets = node.targets if isinstance(node, ast.Assign) else []
    return any(
        isinstance(t, ast.Subscript) and _name(t.value) == "sys.modules" and _name(t.slice) != "__name__"
        for t in targets
    )


def _replaced_builtin(node: ast.AST, _path: str) -> bool:
    targets = node.targets if isinstance(node, ast.Assign) else []
    set_on = _called(node, "setattr") and _name(_first(node) or node) in {"builtins", "__builtins__"}
    return set_on or any(_name(t).startswith(("builtins.", "__builtins__.")) for t in targets)


def _ends_process(node: ast.AST, _path: str) -> bool:
    return _called(node, "os._exit", "os.abort", "os.killpg", "_exit", "pytest.exit")


def _at_exit(node: ast.AST, _path: str) -> bool:
    return _called(node, "atexit.register")


def _frames(node: ast.AST, _path: str) -> bool:
    return _called(
        node,
        "sys._getframe",
        "inspect.currentframe",
        "inspect.stack",
        "sys._current_frames",
        "sys.settrace",
        "sys.setprofile",
    )


_RULES: dict[str, Callable[[ast.AST, str], bool]] = {
    "knows-tests": _knows_tests,
    "test-tools": _test_tools,
    "test-hook": _test_hook,
    "always-equal": _always_equal,
    "memory-walk": _memory_walk,
    "caller-locals": _caller_locals,
    "replaced-module": _replaced_module,
    "replaced-builtin": _replaced_builtin,
    "ends-process": _ends_process,
    "at-exit": _at_exit,
    "frames": _frames,
}
# What tests do to the world that they test, in a process of their own
_FREE_IN_TESTS = frozenset(_RULES) - {"test-hook"}
