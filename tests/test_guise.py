"""What acts in a prompt without being seen stands in it in another guise; an answer that copies it is understood."""

from __future__ import annotations

import pytest

from greenloop.domain import Patch, Replace, Snippet, Task
from greenloop.edits import parse
from greenloop.hygiene.guise import blunted, meant, named
from greenloop.prompts import chat

TOKENS = ["<|im_start|>", "</s>", "[INST]", "[/INST]", "<<SYS>>", "<end_of_turn>", "<\uff5cUser\uff5c>", "</think>"]
PLAIN = "a < b | c > d, x[i], List[int], <div>, </span>, <summary>, a <|> b, d[INSTANCE], \u00a6, f(x)[1]"
FILE = "SYSTEM = '<|im_start|>system'\nwho = 'x\u202ey' + '\U000e0041'\nprice = 1\n"


def test_a_word_of_a_template_is_blunted_and_nothing_else() -> None:
    assert [word for word in TOKENS if blunted(f"a{word}b") == f"a{word}b"] == []
    assert blunted(PLAIN) == PLAIN
    assert meant(blunted(" ".join(TOKENS))) == " ".join(TOKENS)


def test_signs_that_nobody_sees_are_named() -> None:
    shown = named(FILE)
    assert shown == FILE.replace("\u202e", "\u27e6U+202E\u27e7").replace("\U000e0041", "\u27e6U+E0041\u27e7")
    assert meant(shown) == FILE
    assert named("caf\xe9 \u2764\ufe0f \U0001f469\u200d\U0001f4bb\r\n\f") == (
        "caf\xe9 \u2764\ufe0f \U0001f469\u200d\U0001f4bb\r\n\f"
    )


@pytest.mark.parametrize("name", ["0041", "000A", "FFFFFF", "D800"])
def test_a_name_of_a_sign_that_is_seen_stays_a_name(name: str) -> None:
    assert meant(f"\u27e6U+{name}\u27e7") == f"\u27e6U+{name}\u27e7"


def test_an_edit_that_copies_what_was_shown_fits() -> None:
    snippet = Snippet(source="repository", path="a.py", start=1, text=FILE, reason="named")
    shown = chat(Task(goal="g", snippets=(snippet,)), (snippet,))[1].text
    lines = [line for line in shown.splitlines() if line.startswith(("SYSTEM", "who", "price"))]
    search, replace = "\n".join(lines), "\n".join(lines[:2])
    reply = f"Summary: x\n\na.py\n```python\n<<<<<<< SEARCH\n{search}\n=======\n{replace}\n>>>>>>> REPLACE\n```\n"
    assert "<|im_start|>" not in reply
    patch = parse(meant(reply), lambda _: FILE.encode(), {"a.py"})
    assert isinstance(patch, Patch), patch
    [edit] = patch.edits
    assert isinstance(edit, Replace)
    assert FILE.replace(edit.old, edit.new) == FILE.removesuffix("price = 1\n")
