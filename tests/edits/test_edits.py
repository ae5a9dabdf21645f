"""What data cannot say: bytes that are no text, files that are hidden, large files, and the words for the prompt."""

from __future__ import annotations

import pytest

from greenloop.domain import Delete, Move, Patch, Replace, Unusable, Write
from greenloop.edits import parse
from greenloop.edits.paths import resolve, undecorated
from greenloop.prompts.asked_formats import ASKED

FORMAT = ASKED["any"]


def block(path: str, search: str, replace: str) -> str:
    return f"{path}\n<<<<<<< SEARCH\n{search}\n=======\n{replace}\n>>>>>>> REPLACE\n"


def test_the_format_that_is_asked_for_is_one_that_is_understood() -> None:
    """The text for the prompt is, word for word, a valid answer to itself, and short."""
    result = parse(
        FORMAT.replace("Outside fences, `", "\n").replace("`.", "\n"),
        {"src/large.py": b"    return a\n"}.get,
        ["src/large.py"],
    )
    assert isinstance(result, Patch)
    assert result.repairs == ()
    assert result.edits == (
        Write(path="src/new.py", text='print("the whole file")\n'),
        Replace(path="src/large.py", old="    return a\n", new="    return b\n"),
    )
    assert len(FORMAT) < 900
    assert "{" not in FORMAT


@pytest.mark.parametrize("raw", [b"\x89PNG\r\n\x1a\n\xff", b"a\0b\n", "é\n".encode("latin-1")])
def test_what_is_no_text_is_never_edited_but_may_be_moved_and_deleted(raw: bytes) -> None:
    files = {"a.bin": raw, "b.txt": b"b\n"}
    for reply in (block("a.bin", "a", "b"), "a.bin\n```\nnew\n```\n"):
        refused = parse(reply, files.get, list(files))
        assert isinstance(refused, Unusable)
        assert (refused.kind, "a.bin is not a UTF-8 text file" in refused.message) == ("malformed", True)
    done = parse("Move: a.bin -> c.bin\nDelete: b.txt\n", files.get, list(files))
    assert done == Patch(
        summary="Change a.bin, b.txt, c.bin", edits=(Move(path="a.bin", to="c.bin"), Delete(path="b.txt"))
    )


def test_a_file_that_may_not_be_read_is_not_changed_in_part_and_a_whole_one_is_left_to_the_workspace() -> None:
    refused = parse(block(".env", "A=1", "A=2"), lambda _: None, [".env"])
    assert isinstance(refused, Unusable)
    assert refused.kind == "forbidden path"
    whole = parse(".env\n```\nA=2\n```\n", lambda _: None, [".env"])
    assert isinstance(whole, Patch)
    assert whole.edits == (Write(path=".env", text="A=2\n"),)


def test_only_paths_of_the_tree_are_read() -> None:
    asked: list[str] = []

    def read(path: str) -> bytes:
        asked.append(path)
        return b"x = 1\n"

    for path in ("../up.py", "/etc/passwd", ".git/config", "none.py", "a/../../b.py", "src\\b.py"):
        parse(block(path, "x = 1", "x = 2"), read, ["a.py"])
        kept = parse(f"{path}\n```\nx = 3\n```\n", read, ["a.py"])
        assert isinstance(kept, Patch)
        assert kept.edits == (Write(path=path, text="x = 3\n"),)
        parse(f"Delete: {path}\nMove: {path} -> c.py", read, ["a.py"])
        beside = parse(f"{path}\n```\nx = 3\n```\n\nSee:\n```python\nimport y\n```\n", read, ["a.py"])
        assert isinstance(beside, Patch)
    assert asked == []


def test_a_path_that_leads_out_is_never_made_one_that_is_allowed() -> None:
    known = {"src/a.py", "b/src/a.py"}
    for path in (
        "../src/a.py",
        "/src/a.py",
        ".git/../src/a.py",
        "~/src/a.py",
        "src\\a.py",
        "a/../src/a.py",
        ".GIT/a.py",
    ):
        assert resolve(path, known) is None
        assert undecorated(path) == path
    assert resolve("./src/a.py", known) == ("src/a.py", "path: ./src/a.py is src/a.py")
    assert resolve("a/src/a.py", known) == ("src/a.py", "path: a/src/a.py is src/a.py")
    assert resolve("b/src/a.py", known) == ("b/src/a.py", "")


def test_names_with_spaces_and_other_letters() -> None:
    files = {"docs/über uns.md": b"one\n", "Makefile": b"all:\n"}
    result = parse(
        block("docs/über uns.md", "one", "two") + "\nMakefile\n```make\nall:\n\ttrue\n```\n", files.get, list(files)
    )
    assert isinstance(result, Patch)
    assert result.edits == (
        Replace(path="docs/über uns.md", old="one\n", new="two\n"),
        Write(path="Makefile", text="all:\n\ttrue\n"),
    )


def test_a_file_of_five_megabytes_is_no_problem_on_any_rung() -> None:
    text = "".join(f"line {i} value = compute_{i % 1000}({i})\n" for i in range(120_000))
    read = {"big.txt": text.encode()}.get
    line = "line 70000 value = compute_0(70000)"
    for search, repair in ((line, ()), (line + "  ", ("trailing white space",)), ("  " + line, ("indentation",))):
        shift = search[: len(search) - len(search.lstrip())]
        result = parse(block("big.txt", search, shift + "x"), read, ["big.txt"])
        assert isinstance(result, Patch)
        assert result.edits == (Replace(path="big.txt", old=line + "\n", new="x\n"),)
        assert result.repairs == repair
    missed = parse(block("big.txt", "line 70000 value = none\nline 70001 value = none", "x"), read, ["big.txt"])
    assert isinstance(missed, Unusable)
    assert f"70001 | {line}" in missed.message


def test_hostile_text_costs_no_time_out_of_proportion() -> None:
    """Each of these took minutes with a careless pattern or a careless loop; the suite would stand still."""
    read = {"a.py": b"a\n" * 200_000}.get
    many = 50_000
    for reply in (
        block("a.py", "a\n" * 20_000 + "b", "c"),
        "a.py\n<<<<<<< SEARCH\n" + "=======\n" * 5_000 + ">>>>>>> REPLACE\n",
        "# " + " " * many + "x",
        "```" + " " * many + "x`",
        "Move: " + "a " * many,
        "<file path='" + "a" * many,
        "[" * many,
        '{"path": ' * many,
        "<think></think>\n" * 5_000,
        "```x title=" + "title=" * many + "\n```\n",
        "new.md\n" + "```x\n" * 3_000 + "```\n" * 2_000,
        "x.js\n```\n// " + "... " * many + "\n```\n",
    ):
        assert isinstance(parse(reply, read, ["a.py"]), Patch | Unusable)


def test_lone_surrogates_are_no_text() -> None:
    for reply in ("a.py\n```\nx = '\ud800'\n```\n", '{"path": "a.py", "content": "\\ud800"}'):
        result = parse(reply, lambda _: None, [])
        assert isinstance(result, Unusable)
        assert result.kind == "malformed"


def test_a_long_refusal_stays_short() -> None:
    """Thirty failed blocks of a thousand lines cost the model a page, and every block is named."""
    files = {f"f{i}.py": b"x = 1\n" for i in range(30)}
    reply = "\n".join(block(path, "y = 1\n" * 1000 + "z", "x") for path in files) + block("f0.py", "x = 1", "x = 2")
    result = parse(reply, files.get, list(files))
    assert isinstance(result, Unusable)
    assert len(result.message) < 3000
    assert "27 more blocks failed" in result.message
    assert "These blocks are fine: block 31, f0.py" in result.message


FORMS = ("any", "whole", "search", "diff")
LONG = "".join(f"def f{n}():\n    return {n}\n\n\n" for n in range(60))
TROUBLE = {
    "cut off": (block("a.py", "x", "y"), "length"),
    "left out": ("a.py\n```python\n" + LONG.split("def f9")[0] + "# ... rest unchanged\n```\n", "stop"),
    "hollow": ("a.py\n```python\n" + LONG.replace("    return 7\n", "    ...\n") + "```\n", "stop"),
    "a part": ("a.py\n```python\ndef f7():\n    return 8\n```\n", "stop"),
    "a hunk": ("new.py\n```python\n+def f():\n+    return 8\n```\n", "stop"),
    "no match": (block("a.py", "nothing like it", "y"), "stop"),
    "mixed": ("a.py\n```python\nx = 1\n<<<<<<< SEARCH\na\n=======\nb\n>>>>>>> REPLACE\ny = 2\n```\n", "stop"),
    "no edit": ("I would rather not.", "stop"),
}


@pytest.mark.parametrize("trouble", TROUBLE)
def test_a_model_that_was_asked_for_one_form_is_told_of_no_other(trouble: str) -> None:
    reply, finish = TROUBLE[trouble]
    said = {f: parse(reply, {"a.py": LONG.encode()}.get, ["a.py"], finish=finish, form=f) for f in FORMS}
    messages = {form: one.message for form, one in said.items() if isinstance(one, Unusable)}
    assert list(messages) == list(FORMS)
    assert messages["any"] == messages["search"]
    ours = [messages["whole"].replace("<<<<<<< SEARCH", ""), messages["diff"].replace("<<<<<<< SEARCH", "")]
    assert ["use SEARCH" in m or "by SEARCH" in m or "Use SEARCH" in m for m in ours] == [False, False]
    assert messages["whole"] != messages["any"], "it is sent back to its own form"
