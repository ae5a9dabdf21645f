"""A patch in a comment is the patch, letter by letter, or is not there."""

from __future__ import annotations

from greenloop.report.patches import KEPT, MOST, SECRET, UNSHOWN, shown
from greenloop.report.result import whole_patch

HEAD = "diff --git a/a.md b/a.md\n--- a/a.md\n+++ b/a.md\n@@ -1 +1 @@\n"
PLAIN = HEAD + "-x\n+y\n"
FENCED = HEAD + "-x\n+````\n"
SECRETS = HEAD + "-x\n+token = 'ghp_0123456789abcdefghijABCDEFGHIJ012345'\n"


def test_it_is_whole_or_not_there() -> None:
    frame = "<details><summary>The patch: 1 file, 6 lines, for <code>git apply</code></summary>\n\n{}\n\n</details>"
    assert shown("") == ""
    assert shown(PLAIN) == frame.format(f"```diff\n{PLAIN}```")
    assert shown(FENCED) == frame.format(f"`````diff\n{FENCED}`````")
    assert shown(SECRETS) == SECRET
    kept = KEPT.format(lines=6)
    assert shown(PLAIN.replace("y", "y\r")) == UNSHOWN.format(lines=6) + kept
    assert shown(PLAIN.replace("y", "\udcff")) == UNSHOWN.format(lines=6) + kept
    assert shown(PLAIN.replace("y", "y" * MOST)) == kept


def test_the_result_has_it_whole_or_not() -> None:
    given = ("", PLAIN, PLAIN.replace("y", "y\r"), SECRETS, PLAIN.replace("y", "\udcff"), PLAIN + "x" * 1_000_000)
    assert [whole_patch(text) == text for text in given] == [False, True, True, False, False, False]
