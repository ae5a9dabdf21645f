"""An answer of a model as people read it: links to lines that there are, and otherwise words that do nothing."""

from __future__ import annotations

import pytest

from greenloop.report.answers import Place, rendered

PLACE = Place(page="https://github.example/o/r", commit="c" * 40)
LINES = {"src/a b.py": 3, "sums.py": 5, ".github/workflows/ci.yml": 9}
AT = "https://github.example/o/r/blob/" + "c" * 40


def said(text: str) -> str:
    return rendered(text, lambda path: LINES.get(path, 0), PLACE)


CASES = [
    ("See sums.py:4.", f"See [`sums.py:4`]({AT}/sums.py#L4)."),
    ("`sums.py:1-5`, and `x = 1`", f"[`sums.py:1-5`]({AT}/sums.py#L1-L5), and `x = 1`"),
    ("in .github/workflows/ci.yml:9", f"in [`.github/workflows/ci.yml:9`]({AT}/.github/workflows/ci.yml#L9)"),
    ("# Why\n\n* one\n  2. two_2", "#### Why\n\n- one\n  2. two\\_2"),
    ("```python\n@ada [x](http://y)\n```\nafter", "```text\n@ada [x](http://y)\n```\nafter"),
    ("````\n```\n@ada", "`````text\n```\n@ada\n`````".replace("`````", "````")),
    ("@ada [x](http://evil) ![i](http://evil)", "@\u200bada \\[x\\](http:\u200b//evil) \\!\\[i\\](http:\u200b//evil)"),
    ("<img src=x> fixes #1 &#64;ada", "\\<img src=x\\> f\u200bixes #\u200b1 &amp;#\u200b64;ada"),
    ("\u27e60\u27e7 `@ada|`", "\\[0\\] `@ada¦`"),
]


@pytest.mark.parametrize(("text", "shown"), CASES)
def test_what_is_shown(text: str, shown: str) -> None:
    assert said(text) == shown


@pytest.mark.parametrize(
    "place", ["sums.py:6", "sums.py:0", "sums.py:4-2", "gone.py:1", "../../x.py:1", "evil.com/x.py:1"]
)
def test_a_place_that_is_none_is_no_link(place: str) -> None:
    note = "*Of the places that this names, 1 cannot be found at `ccccccccc`; they are no links.*"
    assert said(f"In {place} and {place}.") == f"In `{place}` and `{place}`.\n\n{note}"
