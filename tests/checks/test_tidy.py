"""Tidy: safe fixes and the formatter where lines changed, and not one byte elsewhere."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from greenloop.checks import hunks
from greenloop.checks.tidy import tidy
from greenloop.ports import Sandbox, Subject
from greenloop.sandbox import open_sandbox
from greenloop.settings import Settings

Lay = Callable[..., Subject]

EVERY = frozenset(range(1, 100))


@pytest.fixture
def tidied(lay: Lay, sandbox: Sandbox) -> Callable[..., dict[str, str]]:
    """The files that got better; the folder is as before."""

    def run(files: dict[str, str], **lines: frozenset[int]) -> dict[str, str]:
        folder = lay(files).folder
        changed = {path: lines.get(path.partition(".")[0], frozenset()) for path in files}
        better = tidy(folder, changed, sandbox, Settings())
        now = {p.relative_to(folder).as_posix(): p.read_bytes().decode() for p in folder.rglob("*") if p.is_file()}
        assert now == files
        return {path: new.decode() for path, new in better.items()}

    return run


def test_a_new_file_is_fixed_and_formatted(tidied: Callable[..., dict[str, str]]) -> None:
    source = (
        "import os\nimport sys, re\n\n\n\ndef f( a ):\n"
        '    x = {"é": "ü"}; y = not a is None\n    return f"{x}", re, y\n'
    )
    clean = 'import re\n\n\ndef f(a):\n    x = {"é": "ü"}\n    y = a is not None\n    return f"{x}", re, y\n'
    assert tidied({"new.py": source, "fine.py": clean}, new=EVERY, fine=EVERY) == {"new.py": clean}


def test_only_changed_lines_are_touched(tidied: Callable[..., dict[str, str]]) -> None:
    fixes = "import os\nimport re\n\nx = not a is None\ny = not a is None\n"
    assert tidied({"a.py": fixes}, a=frozenset({2, 5})) == {
        "a.py": "import os\n\nx = not a is None\ny = a is not None\n"
    }
    formatted = "x = 1\n\n\ndef f(a, b):\n    return [a,b]\n\n\ndef g(a):\n    return f(a,\n             a)\n"
    better = formatted.replace("[a,b]", "[a, b]")
    assert tidied({"b.py": formatted}, b=frozenset({5, 9})) == {"b.py": better}


def test_a_file_whose_other_lines_are_not_formatted_is_not_formatted(tidied: Callable[..., dict[str, str]]) -> None:
    assert tidied({"a.py": "x = [1,2]\n\n\ny = [3,4]\n"}, a=frozenset({1})) == {}


def test_line_ends_marks_and_a_missing_last_newline_stay(tidied: Callable[..., dict[str, str]]) -> None:
    files = {
        "crlf.py": "import os\r\nx = [1,2]\r\ny = [3,4]\r\n",
        "bom.py": "\ufeffimport os\nx = 1\n",
        "noend.py": "import os\nx = 1",
        "fed.py": 'x = "\x0c"\ny = [1,2]\n',
    }
    assert tidied(files, crlf=EVERY, bom=EVERY, noend=frozenset({1}), fed=frozenset({2})) == {
        "crlf.py": "x = [1, 2]\r\ny = [3, 4]\r\n",
        "bom.py": "\ufeffx = 1\n",
        "noend.py": "x = 1",
        "fed.py": 'x = "\x0c"\ny = [1, 2]\n',
    }


def test_what_cannot_be_tidied_stays(tidied: Callable[..., dict[str, str]], lay: Lay, sandbox: Sandbox) -> None:
    files = {"bad.py": "import os\nx = (\n", "cr.py": "import os\rx = 1\r", "a.txt": "import os\n", "empty.py": ""}
    assert tidied(files, bad=EVERY, cr=EVERY, a=EVERY, empty=EVERY) == {}
    folder = lay({"bytes.py": b"import os\n# \xff\n", "old.py": b"import os\n"}).folder
    lines = {"bytes.py": EVERY, "old.py": frozenset[int](), "gone.py": EVERY}
    assert tidy(folder, lines, sandbox, Settings()) == {}


def test_the_projects_rules_decide_what_is_fixed(tidied: Callable[..., dict[str, str]]) -> None:
    config = '[lint]\nselect = ["I"]\n[format]\nquote-style = "single"\n'
    source = 'import re\nimport os\n\nx = "y"\n'
    assert tidied({"ruff.toml": config, "a.py": source}, a=EVERY) == {"a.py": "import os\nimport re\n\nx = 'y'\n"}
    excluded = {"ruff.toml": 'exclude = ["a.py"]\n', "a.py": source}
    assert tidied(excluded, a=EVERY) == {}
    assert tidied({"ruff.toml": "nonsense", "a.py": source}, a=EVERY) == {}


def test_without_an_answer_nothing_is_tidied(lay: Lay) -> None:
    stopped = open_sandbox()
    stopped.stop()
    assert tidy(lay({"a.py": "import os\n"}).folder, {"a.py": EVERY}, stopped, Settings()) == {}


def fix(*edits: tuple[int, int, int, int, str], applicability: str = "safe") -> dict[str, object]:
    return {
        "applicability": applicability,
        "edits": [
            {"location": {"row": a, "column": b}, "end_location": {"row": c, "column": d}, "content": text}
            for a, b, c, d, text in edits
        ],
    }


def test_a_fix_is_taken_whole_or_not_at_all() -> None:
    text = "a = 1\nb = 2\nc = 3\n"
    both = fix((1, 5, 1, 6, "9"), (3, 5, 3, 6, "9"))
    assert hunks.fixed(text, [both], frozenset({1, 3})) == "a = 9\nb = 2\nc = 9\n"
    assert hunks.fixed(text, [both], frozenset({1, 2})) == text
    assert hunks.fixed(text, [fix((1, 5, 1, 6, "9"), applicability="unsafe")], EVERY) == text
    assert hunks.fixed(text, [fix((2, 1, 2, 1, "x = 0\n"))], frozenset({1})) == "a = 1\nx = 0\nb = 2\nc = 3\n"
    assert hunks.fixed(text, [fix((3, 1, 3, 1, "x = 0\n"))], frozenset({1})) == text
    overlapping = [fix((1, 1, 2, 1, "")), fix((1, 5, 1, 6, "9"))]
    assert hunks.fixed(text, overlapping, EVERY) == "b = 2\nc = 3\n"


def test_fixes_that_break_the_file_together_are_made_one_by_one_or_not() -> None:
    text = "try:\n    import a\n    import b\nexcept ImportError:\n    pass\n"
    removals = [fix((2, 1, 3, 1, "")), fix((3, 5, 3, 13, ""))]
    assert hunks.fixed(text, removals, EVERY) == text.replace("    import a\n", "")
    assert hunks.fixed("if x:\n    pass\n", [fix((2, 1, 3, 1, ""))], EVERY) == "if x:\n    pass\n"


def test_a_format_that_would_change_the_meaning_is_not_taken_in_part() -> None:
    """Half of a change of the formatter may be other code."""
    text = "x = [\n    1,\n    2]\ny = (1\n     )\n"
    half = hunks.Group(before=1, old=("    1,\n",), new=("    1 +\n",))
    whole = hunks.Group(before=3, old=("y = (1\n", "     )\n"), new=("y = 1\n",))
    assert hunks.formatted(text, [half, whole], frozenset({2, 4})) == text
    assert hunks.formatted(text, [whole], frozenset({4, 5})) == text.replace("(1\n     )", "1")
    wrong = hunks.Group(before=0, old=("z\n",), new=("y\n",))
    assert hunks.formatted(text, [wrong], EVERY) == text
    assert hunks.formatted(text, [hunks.Group(before=3, old=(), new=("\n",))], frozenset({3})).count("\n") == 6
    assert hunks.formatted(text, [hunks.Group(before=3, old=(), new=("\n",))], frozenset({1})) == text


def test_changed_lines_are_followed_through_a_fix() -> None:
    old, new = "a\nb\nc\nd\n", "b\nc2\nd\n"
    assert hunks.carried(old, new, frozenset({1, 4})) == frozenset({2, 3})
