"""The reporter alone, in a real pytest outside the sandbox: what it writes, and what it leaves of itself."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from greenloop.checks import told
from greenloop.ports import Subject

Lay = Callable[..., Subject]

TOKEN = "70ce4"
PLUGIN = "-p greenloop.checks.reporter"


@pytest.fixture
def reported(lay: Lay, tmp_path: Path) -> Callable[..., told.Told]:
    """Runs pytest on these files with the reporter loaded, and reads what it wrote."""
    tokens: list[str] = []

    def run(files: dict[str, str], *options: str, first: tuple[str, ...] = (), only: tuple[str, ...] = ()) -> told.Told:
        folder = lay(files).folder
        lists = {"first": first, "only": [str(folder / p) for p in only], "seconds": 600.0}
        (tmp_path / "order.json").write_text(json.dumps(lists))
        tokens.append(f"{TOKEN}{len(tokens)}")
        (tmp_path / "seat-00").write_text(tokens[-1])
        order = {
            "report": str(tmp_path / "report"),
            "root": str(folder),
            "folder": str(tmp_path),
            "addopts": PLUGIN,
        }
        environment = {k: v for k, v in os.environ.items() if not k.startswith(("PYTEST_", "PYTHONPATH"))}
        environment |= {
            "GREENLOOP_PYTEST": json.dumps(order),
            "PYTEST_ADDOPTS": f"{PLUGIN} -q",
            "PYTHONPATH": os.pathsep.join((str(tmp_path), str(Path(told.__file__).parents[2]))),
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        }
        argv = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *options]
        subprocess.run(argv, cwd=folder, env=environment, check=False, capture_output=True, timeout=100)
        return told.read((tmp_path / "report").read_bytes(), tokens)

    return run


FILES = {
    "conftest.py": "import pytest\n@pytest.fixture\ndef untidy():\n    yield\n    raise OSError('open')\n",
    "prod.py": "def f():\n    raise ExceptionGroup('g', [ValueError('one'), KeyError('two')])\n",
    "test_a.py": """\
import os, pytest, prod, unittest
def test_one():
    print("said")
    assert os.environ.get("PYTEST_ADDOPTS") in (None, "-q") and "GREENLOOP_PYTEST" not in os.environ
    assert [1] == [2]
def test_group():
    prod.f()
def test_untidy(untidy):
    pass
def test_none(nonesuch):
    pass
def test_skip():
    pytest.skip("later")
@pytest.mark.xfail
def test_xfail():
    assert 0
@pytest.mark.xfail
def test_xpass():
    pass
class TestParts(unittest.TestCase):
    def test_parts(self):
        for n in range(3):
            with self.subTest(n=n):
                self.assertEqual(n, 1)
""",
    "test_b.py": "def f(:\n",
    "test_c.py": "import gone\n",
    "test_d.py": "def test_d():\n    pass\n",
}


@pytest.mark.parametrize("workers", [(), ("-p", "xdist", "-n", "1")], ids=["one process", "xdist"])
def test_a_line_for_each_thing_that_happens(reported: Callable[..., told.Told], workers: tuple[str, ...]) -> None:
    heard = reported(FILES, "-x", *workers, first=("test_d.py::test_d",))
    [session] = heard.sessions
    assert (heard.foreign, session.ready, session.opened, session.complete, session.running) == (
        0,
        True,
        True,
        True,
        {},
    )
    found = {t["id"]: (t["outcome"], t["path"], t["line"], (t.get("told") or {}).get("error")) for t in session.tests}
    assert next(iter(found)) == "test_d.py::test_d"
    assert found == {
        "test_d.py::test_d": ("passed", "test_d.py", 1, None),
        "test_a.py::test_one": ("failed", "test_a.py", 2, "AssertionError"),
        "test_a.py::test_group": ("failed", "test_a.py", 6, "ExceptionGroup"),
        "test_a.py::test_untidy": ("error", "test_a.py", 8, "OSError"),
        "test_a.py::test_none": ("error", "test_a.py", 10, "FixtureLookupError"),
        "test_a.py::test_skip": ("skipped", "test_a.py", 12, None),
        "test_a.py::test_xfail": ("xfailed", "test_a.py", 14, None),
        "test_a.py::test_xpass": ("xpassed", "test_a.py", 17, None),
        "test_a.py::TestParts::test_parts": ("failed", "test_a.py", 21, "AssertionError"),
    }
    tests = {t["id"].rpartition("::")[2]: t for t in session.tests}
    assert tests["test_one"]["told"] == {
        "error": "AssertionError",
        "kinds": ["assertion"],
        "message": "assert [1] == [2]\n  \n  At index 0 diff: 1 != 2\n  Use -v to get more diff",
        "frames": [["test_a.py", 5, "test_one"]],
    }
    assert tests["test_one"]["output"].startswith("Captured stdout call:\nsaid\n")
    group = tests["test_group"]["told"]
    assert group["message"].splitlines() == [
        "ExceptionGroup: g (2 sub-exceptions)",
        "ValueError: one",
        "KeyError: 'two'",
    ]
    assert [f[0] for f in group["frames"]] == ["test_a.py", "prod.py"]
    broken = {u["id"]: (u["told"]["error"], u["told"]["frames"]) for u in session.uncollected}
    assert broken == {
        "test_b.py": ("SyntaxError", [["test_b.py", 1, "<module>"]]),
        "test_c.py": ("ModuleNotFoundError", [["test_c.py", 1, "<module>"]]),
    }
    assert session.end is not None
    assert (session.end["status"], session.end["collected"]) == (1, 9)


def test_only_named_files_are_collected_whatever_the_command_names(reported: Callable[..., told.Told]) -> None:
    files = {"test_d.py": "def test_d():\n    pass\n", "test_e.py": "def test_e():\n    pass\n"}
    [session] = reported(files, "test_e.py", only=("test_d.py", "gone.py")).sessions
    assert [t["id"] for t in session.tests] == ["test_d.py::test_d"]


def test_an_end_before_the_end_is_told(reported: Callable[..., told.Told]) -> None:
    [broken] = reported({"conftest.py": "import gone\n", "test_a.py": ""}).sessions
    assert (broken.ready, [u["path"] for u in broken.uncollected]) == (False, ["conftest.py"])
    stop = "import pytest\ndef test_a():\n    pytest.exit('enough')\ndef test_b():\n    pass\n"
    interrupted = reported({"test_a.py": stop}).sessions[-1]
    assert (interrupted.interrupted, list(interrupted.running)) == (
        "_pytest.outcomes.Exit: enough",
        ["test_a.py::test_a"],
    )
    hook = "def pytest_collection_modifyitems():\n    1 / 0\n"
    internal = reported({"conftest.py": hook, "test_a.py": "def test_a():\n    pass\n"}).sessions[-1].internal
    assert internal is not None
    assert (internal["error"], internal["frames"]) == (
        "ZeroDivisionError",
        [["conftest.py", 2, "pytest_collection_modifyitems"]],
    )


def test_the_forked_child_of_a_test_says_nothing(reported: Callable[..., told.Told]) -> None:
    """It goes on where the test does, and runs the rest of the tests a second time."""
    fork = "import os\ndef test_fork():\n    if os.fork():\n        os.wait()\ndef test_next():\n    pass\n"
    [session] = reported({"test_a.py": fork}).sessions
    assert ([t["id"] for t in session.tests], session.complete) == (
        ["test_a.py::test_fork", "test_a.py::test_next"],
        True,
    )


def test_other_code_in_a_part_of_pytest_is_told_of_whoever_put_it_there(reported: Callable[..., told.Told]) -> None:
    """The part is the same object still, and what was changed is not a file of the attempt."""
    swap = """\
import _pytest.python
def nothing(self):
    pass
def test_a():
    _pytest.python.Function.runtest.__code__ = nothing.__code__
def test_b():
    assert 0
"""
    [session] = reported({"test_a.py": swap}).sessions
    found = [(line["what"], line["path"]) for line in session.tampering]
    assert ([t["outcome"] for t in session.tests], found) == (
        ["passed", "passed"],
        [("replaced _pytest.python.Function.runtest", "test_a.py")],
    )


def test_without_an_order_it_does_nothing(lay: Lay) -> None:
    folder = lay({"test_a.py": "def test_a():\n    assert 0\ndef test_b():\n    pass\n"}).folder
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("PYTEST_", "PYTHONPATH"))}
    environment["PYTHONPATH"] = str(Path(told.__file__).parents[2])
    argv = [sys.executable, "-m", "pytest", "-x", "-p", "no:cacheprovider", *PLUGIN.split()]
    done = subprocess.run(argv, cwd=folder, env=environment, check=False, capture_output=True, text=True, timeout=100)
    assert "1 failed in" in done.stdout
    assert [p.name for p in folder.iterdir() if p.is_file()] == ["test_a.py"]
