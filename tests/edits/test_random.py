"""Random files and edits, written in each format and damaged: the result is exactly right, or the answer is refused."""

from __future__ import annotations

import difflib
import html
import json
import os
import re
from collections.abc import Callable
from random import Random

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from greenloop.domain import Patch, Replace, Unusable, Write
from greenloop.edits import parse

WORDS = [
    "a",
    "b = 1",
    "c(d)",
    "return x",
    "if y:",
    "x < 1",
    "<b>&amp;</b>",
    "_n_ * 2",
    "...",
    "# note",
    "- item",
    "+ plus",
]
LINE = st.one_of(
    st.sampled_from(WORDS),
    st.text(alphabet="abc_ <>&*#=-+.:'\"\t\\é", max_size=14),
    st.sampled_from(["", "", "=======", "```", "1 | x", "@@ -1 +1 @@", "--- a", "+++ b", ">>>>", "<file>"]),
)
INDENT = st.sampled_from(["", "", "    ", "        ", "\t"])
TEXT = st.lists(st.builds(str.__add__, INDENT, LINE), min_size=1, max_size=12)
PATHS = st.sampled_from(["a.txt", "src/b.py", "docs/c.md", "d.yml"])
MANY = os.environ.get("EDITS_EXAMPLES")  # set by hand to search on; without it every run sees the same examples
ROBUST = settings(
    max_examples=int(MANY or 250),
    derandomize=not MANY,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)


def joined(lines: list[str]) -> str:
    return "".join(line + "\n" for line in lines)


Side = list[str]


def sides(old: Side, new: Side, context: int = 2) -> tuple[Side, Side]:
    """What differs, with lines around it."""
    ops = [op for op in difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes() if op[0] != "equal"]
    if not ops:
        return old, new
    i, k = max(0, ops[0][1] - context), min(len(old), ops[-1][2] + context)
    j, m = max(0, ops[0][3] - context), min(len(new), ops[-1][4] + context)
    return old[i:k], new[j:m]


def framed(
    path: str, search: Side, replace: Side, *, signs: int = 7, words: tuple[str, str] = ("SEARCH", "REPLACE")
) -> str:
    head, divider, tail = ("<" * signs) + " " + words[0], "=" * signs, (">" * signs) + " " + words[1]
    return f"{path}\n{head}\n{joined(search)}{divider}\n{joined(replace)}{tail}\n"


def search_replace(path: str, old: Side, new: Side) -> str:
    return framed(path, *sides(old, new))


def numbered(lines: Side) -> Side:
    return [f"{i} | {line}" for i, line in enumerate(lines, 1)]


_TYPESET = {ord("-"): "\u2013", ord("'"): "\u2019", ord('"'): "\u201c", ord(" "): "\u00a0"}
SIDES: dict[str, Callable[[Side], Side]] = {
    "white space": lambda s: [line.rstrip() for line in s],
    "shifted": lambda s: ["    " + line if line.strip() else line for line in s],
    "entities": lambda s: [html.escape(line, quote=False) for line in s],
    "blank edges": lambda s: ["", *s, ""],
    "numbers": numbered,
    "escapes": lambda s: [re.sub(r"([_*])", r"\\\1", line) for line in s],
    "typographic": lambda s: [line.translate(_TYPESET) for line in s],
    "typing error": lambda s: [re.sub("return", "retrun", line) for line in s],
    "dots": lambda s: [*s[:1], "...", *s[-1:]],
    "gap in words": lambda s: [*s[:1], "    # ... existing code ...", *s[-1:]],
    "half the indentation": lambda s: [re.sub(r"^ +(?=\S)", lambda m: m[0][::2], line) for line in s],
    "double indentation": lambda s: [re.sub(r"^ +(?=\S)", lambda m: m[0] * 2, line) for line in s],
}


def unified(path: str, old: Side, new: Side) -> str:
    return "\n".join(difflib.unified_diff(old, new, f"a/{path}", f"b/{path}", lineterm=""))


def codex(path: str, old: Side, new: Side) -> str:
    body = [line for line in unified(path, old, new).split("\n")[2:] if not re.match(r"@@ .* @@$", line)]
    return "\n".join(["*** Begin Patch", f"*** Update File: {path}", "@@", *body, "*** End Patch"])


def fence_for(text: str) -> str:
    return "`" * max(3, *(len(run) + 1 for run in re.findall(r"`+", text + "``")))


def whole(path: str, _: Side, new: Side) -> str:
    fence = fence_for(joined(new))
    return f"{path}\n{fence}\n{joined(new)}{fence}\n"


def element(path: str, _: Side, new: Side) -> str:
    return f'<file path="{path}">\n{joined(new)}</file>\n'


def as_json(path: str, _: Side, new: Side) -> str:
    return json.dumps({"files": [{"path": path, "content": joined(new)}]})


def call(path: str, _: Side, new: Side) -> str:
    return f"<write_to_file>\n<path>{path}</path>\n<content>\n{joined(new)}</content>\n</write_to_file>\n"


def dashed(path: str, old: Side, new: Side) -> str:
    block = search_replace(path, old, new)
    return block.replace("<<<<<<< SEARCH", "------- SEARCH").replace(">>>>>>> REPLACE", "+++++++ REPLACE")


def command(path: str, old: Side, new: Side) -> str:
    return json.dumps({"command": ["apply_patch", codex(path, old, new)]})


def editor(path: str, old: Side, new: Side) -> str:
    search, replace = sides(old, new)
    made = {"command": "str_replace", "path": path, "old_str": joined(search), "new_str": joined(replace)}
    return f"<tool_call>\n{json.dumps({'name': 'editor', 'arguments': json.dumps(made)})}\n</tool_call>"


def tagged(path: str, old: Side, new: Side) -> str:
    search, replace = sides(old, new)
    inside = f"<search>\n{joined(search)}</search>\n<replace>\n{joined(replace)}</replace>"
    return f'<edit path="{path}">\n{inside}\n</edit>\n'


def opened(path: str, old: Side, new: Side) -> str:
    return (
        tagged(path, old, new).replace(f' path="{path}"', "").replace("<search>", f"<path>{path}</path>\n<search>", 1)
    )


def parameters(path: str, old: Side, new: Side) -> str:
    search, replace = sides(old, new)
    given = {"path": path, "old_string": joined(search), "new_string": joined(replace)}
    inside = "".join(f"<parameter={key}>\n{value}\n</parameter>\n" for key, value in given.items())
    return f"<tool_call>\n<function=edit>\n{inside}</function>\n</tool_call>\n"


def here(path: str, _: Side, new: Side) -> str:
    fence = fence_for(joined(new))
    return f"{fence}sh\ncat > {path} <<'END-1'\n{joined(new)}END-1\n{fence}\n"


def patched(path: str, old: Side, new: Side) -> str:
    diff = unified(path, old, new)
    fence = fence_for(diff)
    return f"{fence}bash\npatch -p1 <<'EOF'\n{diff}\nEOF\n{fence}\n"


Form = Callable[[str, Side, Side], str]
FORMATS: list[Form] = [search_replace, unified, codex, whole, element, as_json, call, dashed, command]
FORMATS += [editor, tagged, opened, parameters, here, patched]


DAMAGES: dict[str, Callable[[str], str]] = {
    "none": lambda r: r,
    "white space": lambda r: "\n".join(line.rstrip() for line in r.split("\n")),
    "CRLF": lambda r: r.replace("\n", "\r\n"),
    "fenced": lambda r: f"```python\n{r}\n```",
    "prose": lambda r: f"Summary: x\n\nSure, here it is.\n\n{r}\n\nThat should do.",
    "drafted": lambda r: f"First:\n\n{r}\n</think>\n{r}",
    "container": lambda r: re.sub(r"(a\.txt|src/b\.py|docs/c\.md|d\.yml)", r"/workspace/it/\1", r),
    "thinking": lambda r: f"<think>\n{r[: len(r) // 2]}\n</think>\n{r}",
    "twice": lambda r: f"{r}\n{r}",
    "channels": lambda r: f"<|channel|>analysis<|message|>{r}<|end|><|channel|>final<|message|>{r}<|return|>",
    "ended": lambda r: r.rstrip("\n`") + "<|im_end|>",
    "cut": lambda r: r[: len(r) * 2 // 3],
    "wrong numbers": lambda r: re.sub(r"^@@ -(\d+)(,\d+)? \+.* @@$", r"@@ -9\1\2 +1 @@", r, flags=re.MULTILINE),
}


def result_of(result: Patch, files: dict[str, str]) -> dict[str, str]:
    tree = dict(files)
    for edit in result.edits:
        if isinstance(edit, Write):
            tree[edit.path] = edit.text
        else:
            assert isinstance(edit, Replace)
            assert tree[edit.path].count(edit.old) == 1
            tree[edit.path] = tree[edit.path].replace(edit.old, edit.new)
    return tree


def blurred(text: str) -> str:
    """Without the white space that a damage has destroyed for good."""
    return "\n".join(line.rstrip() for line in text.split("\n"))


def changed(old: Side, other: Side, chance: Random) -> Side:
    """The new text keeps most of the old one, as edits do."""
    cut = chance.randrange(len(old) + 1)
    return old[:cut] + other[: chance.randrange(4)] + old[cut + chance.randrange(3) :]


def judge(reply: str, path: str, old: Side, new: Side, *, exact: bool = True) -> None:
    files = {path: joined(old), "other/z.txt": "z\n"}
    encoded = {p: t.encode() for p, t in files.items()}
    result = parse(reply, encoded.get, list(encoded), expected=(path,))
    if isinstance(result, Unusable):
        assert result.message
        return
    if any(p.startswith("/") for p in result.paths):
        return  # refused where it is applied
    got = result_of(result, files)
    want = files | {path: joined(new)}
    assert got == want if exact else {p: blurred(t) for p, t in got.items()} == {p: blurred(t) for p, t in want.items()}


@ROBUST
@given(TEXT, TEXT, PATHS, st.sampled_from(FORMATS), st.sampled_from(sorted(DAMAGES)), st.randoms(use_true_random=False))
def test_never_a_wrong_file(old: Side, other: Side, path: str, form: Form, damage: str, chance: Random) -> None:
    new = changed(old, other, chance)
    assume(damage != "cut" or form is not unified)  # nothing marks the end of a bare diff
    assume(form is not whole or not new or not new[0].startswith(("@@", "---")))  # no file begins like a diff
    assume(form is not element or not new or "```" not in new[0])  # no file but Markdown begins with a fence
    assume(damage != "wrong numbers" or form is unified)
    judge(DAMAGES[damage](form(path, old, new)), path, old, new, exact=damage != "white space")


@ROBUST
@given(TEXT, TEXT, PATHS, st.sampled_from(sorted(SIDES)), st.sampled_from([5, 7, 9]), st.randoms(use_true_random=False))
def test_never_a_wrong_file_by_a_rung(
    old: Side, other: Side, path: str, damage: str, signs: int, chance: Random
) -> None:
    """Both sides of a block damaged in the same way."""
    new = changed(old, other, chance)
    plain = sides(old, new)
    search, replace = (SIDES[damage](side) for side in plain)
    if search != plain[0]:  # else it means another place, and plainly so
        assume("\n" + blurred(joined(search)) not in "\n" + blurred(joined(old)))
    if damage in {"dots", "gap in words"}:  # what is left out has to be what stays
        assume(min(len(plain[0]), len(plain[1])) > 2 and plain[0][1:-1] == plain[1][1:-1])
    if "indentation" in damage:  # at one depth of the search it could as well be a shift
        assume(len({len(line) - len(line.lstrip(" ")) for line in plain[0] if line.strip()} - {0}) > 1)
    if damage in {"entities", "escapes", "typing error", "typographic", "half the indentation", "double indentation"}:
        assume(search != plain[0])  # else the answer means what it says
    judge(framed(path, search, replace, signs=signs), path, old, new, exact=damage != "white space")


@ROBUST
@given(TEXT, TEXT, PATHS, st.sampled_from(FORMATS), st.randoms(use_true_random=False))
def test_an_undamaged_answer_about_a_plain_file_applies(
    old: Side, other: Side, path: str, form: Form, chance: Random
) -> None:
    """No refusal out of caution where nothing is unclear: every line is its own and none looks like a marker."""
    old = [f"{i} {re.sub(r'[^a-z ]', '', line)}x" for i, line in enumerate(old)]
    cut = chance.randrange(len(old))
    new = [*old[:cut], f"new {len(other)}", *old[cut + chance.randrange(2) :]]
    encoded = {path: joined(old).encode()}
    result = parse(form(path, old, new), encoded.get, list(encoded))
    assert isinstance(result, Patch), result
    assert result_of(result, {path: joined(old)}) == {path: joined(new)}


@ROBUST
@given(
    st.text(max_size=300),
    st.lists(
        st.sampled_from(
            [
                "```",
                "<<<<<<< SEARCH",
                "=======",
                ">>>>>>> REPLACE",
                "a.py",
                "--- a/a.py",
                "+++ b/a.py",
                "@@ -1 +1 @@",
                "-x = 1",
                "+x = 2",
                "x = 1",
                "*** Begin Patch",
                "*** Update File: a.py",
                "*** End Patch",
                "<think>",
                "</think>",
                '<file path="a.py">',
                "</file>",
                '{"files": {',
                "Delete: a.py",
                "Move: a.py -> b.py",
                "...",
                "~~~",
                "````md",
            ]
        ),
        max_size=25,
    ),
)
def test_any_text_at_all_gives_a_value(text: str, pieces: list[str]) -> None:
    """Hostile text raises nothing, and every replacement holds its promise."""
    files = {"a.py": "x = 1\ny = 1\n"}
    encoded = {p: t.encode() for p, t in files.items()}
    for reply in (text, "\n".join(pieces), "\n".join([*pieces[:9], text, *pieces[9:]])):
        result = parse(reply, encoded.get, list(encoded), expected=("a.py",))
        assert isinstance(result, Patch | Unusable)
        if isinstance(result, Patch):
            assert result.edits
            assert result.summary
