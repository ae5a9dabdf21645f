"""The simulation that measures the loop (bench/loop): what it calls the best possible is that, and can be reached."""

from __future__ import annotations

import difflib
import runpy
from pathlib import Path
from typing import Any

import pytest

from greenloop.domain import Patch, Replace
from greenloop.edits import parse

CHANCE: dict[str, Any] = runpy.run_path(str(Path(__file__).parents[2] / "bench" / "loop" / "chance.py"))
OLD = '''def kth(arr, k):
    pivot = arr[0]
    below = [x for x in arr if x < pivot]
    return below[k]


"""
Note
"""
'''
NEW = OLD.replace("return below[k]", "return sorted(arr)[k]")
ANSWER = """Here is the fix.

lib/kth.py
```python
<<<<<<< SEARCH
    pivot = arr[0]
    below = [x for x in arr if x < pivot]
    return below[k]
=======
    pivot = arr[0]
    below = [x for x in arr if x < pivot]
    return sorted(arr)[k]
>>>>>>> REPLACE
```
"""


@pytest.mark.parametrize("damage", ["", *CHANCE["DAMAGES"]])
def test_every_broken_answer_that_counts_as_readable_is_read(damage: str) -> None:
    files = {"lib/kth.py": OLD.encode(), "lib/test_kth.py": b"import kth\n"}
    answer = CHANCE["DAMAGES"][damage](ANSWER) if damage else ANSWER
    patch = parse(answer, files.get, list(files), expected=("lib/kth.py",))
    if damage == CHANCE["HOPELESS"]:
        assert not isinstance(patch, Patch)
        return
    assert isinstance(patch, Patch), patch
    (edit,) = patch.edits
    assert isinstance(edit, Replace)
    made = OLD.replace(edit.old, edit.new)
    assert made == NEW, "".join(difflib.unified_diff(NEW.splitlines(True), made.splitlines(True)))


def test_the_best_possible_is_the_first_four_answers_of_which_something_can_be_made() -> None:
    draw, odds = CHANCE["Draw"], CHANCE["Odds"](p=0.1, q=0.5, r=0.1)
    bad, good, cut = draw(0.9, "", False), draw(0.4, "shifted", False), draw(0.0, "cut", False)
    ways = [[bad, bad, bad, good], [bad, bad, bad, bad, good], [cut, cut, bad, bad, bad, good], [cut] * 9]
    assert [CHANCE["ceiling"](way, odds) for way in ways] == [True, False, True, False]
    assert CHANCE["draws"](3, "kth", odds) == CHANCE["draws"](3, "kth", odds)


def test_what_a_prompt_tells_of_a_failure() -> None:
    output = ">       assert kth(*data) == wanted\nE       assert 3 == 45\nE        +  where 3 = kth()\n"
    assert CHANCE["values"](output) == [("3", "45")]
    assert CHANCE["values"]("E   RecursionError: too deep\n") == [("RecursionError: too deep",)]
    listed = "E   assert [<generator o...7fe0384a8d60>] == [<a.B object at 0x7fe0384a8d60>]\n"
    assert CHANCE["values"](listed) == [("[<generator o...", "[<a.B object at ")]
    assert [CHANCE["told"](p, [("3", "45")]) for p in ("assert 3 ==\n 45", "4 is wrong")] == [True, False]
