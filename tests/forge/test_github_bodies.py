"""Markers, and texts cut to what GitHub takes."""

from __future__ import annotations

import pytest

from greenloop.forge.github.bodies import CUT, TITLE, fitted, key_of, marked, marker, titled
from greenloop.forge.github.errors import Ask, unreachable, wait_of, words_of


def test_a_marker_is_hidden_and_cannot_be_left() -> None:
    assert marker("issue-12/3141592653") == "<!-- greenloop:run=issue-12/3141592653 -->"
    assert marked("own/repo#1:5a", "text\n") == "<!-- greenloop:run=own/repo#1:5a -->\ntext\n"
    for key in ("", "a--b", "a-->b", "a b", "a\n", "-a", "a-", "<b>", "ä"):
        with pytest.raises(ValueError, match="cannot stand in a hidden comment"):
            marker(key)


def test_a_body_is_cut_at_a_line_and_its_code_block_is_closed() -> None:
    assert fitted("short ``` and whole") == "short ``` and whole"
    lines = "line\n" * 200
    assert fitted(lines, 500) == "line\n" * 73 + "line" + CUT
    for fence, info in (("```", "python"), ("~~~~", ""), ("  `````", "diff")):
        head = f"{fence}{info}\n```not the end\n~~~\n"
        assert fitted(head + lines, 500).endswith(f"line\n{fence.strip()}{CUT}")
    closed = "````\ncode ```\n```\n````  \n" + lines
    assert fitted(closed, 500).endswith(f"line{CUT}")
    assert fitted("x" * 1000, 500) == "x" * (500 - len(CUT) - 40) + CUT
    endless = fitted("`" * 1000, 500)
    assert len(endless) <= 500
    assert endless.endswith(CUT)


def test_a_title_is_one_line() -> None:
    assert titled(" fix:\n a\tb ") == "fix: a b"
    assert titled("x" * TITLE) == "x" * TITLE
    assert titled("x " * TITLE) == "x " * 124 + "x…"


def test_what_github_wants_us_to_wait() -> None:
    limit = "You have exceeded a secondary rate limit"
    cases = [
        (403, {"retry-after": "12"}, "", 12.0),
        (429, {"retry-after": "soon"}, "", 60.0),
        (503, {"retry-after": "3"}, "", 3.0),
        (404, {"retry-after": "3"}, "", None),
        (403, {}, "Resource not accessible by integration", None),
        (403, {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "1100"}, "Resource not accessible", None),
        (403, {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "1100"}, "API rate limit exceeded", 101.0),
        (429, {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "900"}, "", 1.0),
        (429, {"x-ratelimit-remaining": "1", "x-ratelimit-reset": "900"}, "", 60.0),
        (403, {}, limit, 60.0),
        (422, {}, limit, None),
    ]
    assert [wait_of(status, headers, words, 1000.0) for status, headers, words, _ in cases] == [c[3] for c in cases]


def test_what_is_told_of_no_answer() -> None:
    ask = Ask(path="/user", doing="look", needs="")
    assert str(unreachable(ask, "timed out")) == (
        "GitHub gave no whole answer when asked to look (timed out). Is the network up, and is GITHUB_API_URL right?"
    )
    assert "name its file in REQUESTS_CA_BUNDLE" in str(unreachable(ask, "certificate verify failed"))


def test_what_github_says() -> None:
    data = {"message": "Validation  Failed\n", "errors": [{"message": "too long"}, "or so", {"code": "custom"}, 5]}
    assert words_of(data) == "Validation Failed too long or so"
    odd: tuple[object, ...] = (None, [], {"errors": "x"}, {"message": 5})
    assert [words_of(other) for other in odd] == ["", "", "", ""]
    assert len(words_of({"message": "x" * 1000})) == 500


@pytest.mark.parametrize("key", ["comment-2-0123456789ab", "run/7", "a"])
def test_a_marker_tells_its_key(key: str) -> None:
    assert key_of(marked(key, "said")) == key
    assert key_of(marker(key)) == key


@pytest.mark.parametrize(
    "body", ["", "said", f" {marker('a')}", "<!-- greenloop:run=a--b -->", "<!-- greenloop:run=a -->b"]
)
def test_nothing_else_does(body: str) -> None:
    assert key_of(body) is None
