"""What goes into a prompt when not everything fits: whole units, by what they are worth, the rest named."""

from __future__ import annotations

from greenloop.domain import Message, Snippet, Task, Trust
from greenloop.engine.packing import Packed, pack

UNIT = 12 + 10  # what a unit of ten signs takes


def snippet(path: str, reason: str, *, start: int = 1, size: int = 10) -> Snippet:
    return Snippet(source="repository", path=path, start=start, text="x" * size, reason=reason, whole=start == 1)


def message(number: int) -> Message:
    return Message(id=str(number), author="a", trust=Trust.QUOTED, body=f"message {number}"[:10])


NAMED, TRACED = snippet("named.py", "named in the request"), snippet("traced.py", "in the traceback")
WROTE, FOUND = snippet("wrote.py", "written by an earlier attempt"), snippet("found.py", "send matches the request")
THREAD = (message(1), message(2), message(3))
TASK = Task(goal="g" * 10, thread=THREAD, outline=("outline 01", "outline 02"), omitted=("secret.py: never sent",))
HISTORY = ("attempt 01", "attempt 02")
ALL = (FOUND, NAMED, TRACED, WROTE)


def packed(units: int, *, snippets: tuple[Snippet, ...] = ALL, task: Task = TASK) -> Packed:
    """Room for the request and so many units."""
    return pack(task, snippets, HISTORY, room=(1 + units) * UNIT, count=len, around=())


def names(done: Packed) -> list[str]:
    thread = [m.body for m in done.task.thread]
    return [*(s.path for s in done.snippets), *thread, *done.task.outline, *done.history]


def test_everything_stays_in_its_order_where_it_fits() -> None:
    done = packed(11)
    assert (done.snippets, done.task, done.history, done.dropped) == (ALL, TASK, HISTORY, ())


def test_units_are_left_out_from_the_end_of_what_they_are_worth() -> None:
    kept = [names(packed(units)) for units in range(12)]
    order = ["named.py", "traced.py", "wrote.py", "message 3", "message 2", "message 1", "found.py"]
    order += ["outline 01", "outline 02", "attempt 02", "attempt 01"]
    assert [sorted(k) for k in kept] == [sorted(order[:units]) for units in range(12)]


def test_what_was_left_out_is_named() -> None:
    done = packed(4)
    left = ("found.py: did not fit", "2 earlier messages: did not fit")
    assert done.dropped == left
    assert done.task.omitted == ("secret.py: never sent", *left)


def test_a_file_is_never_cut_and_its_parts_go_together() -> None:
    parts = (snippet("a.py", "named", start=5), snippet("a.py", "named", start=50), NAMED)
    assert names(packed(1, snippets=parts))[:1] == ["named.py"]
    assert [s.path for s in packed(3, snippets=parts).snippets] == ["a.py", "a.py", "named.py"]


def test_a_small_unit_takes_the_room_that_a_large_one_could_not() -> None:
    large = snippet("large.py", "named", size=100)
    assert [s.path for s in packed(1, snippets=(large, TRACED)).snippets] == ["traced.py"]


def test_what_is_there_in_any_case_is_counted() -> None:
    rule = snippet("AGENTS.md", "rules of style")
    task = Task(goal="g" * 10, rules=(rule,))
    fits = pack(task, (NAMED,), (), room=4 * UNIT, count=len, around=("f" * 10,))
    less = pack(task, (NAMED,), (), room=4 * UNIT - 1, count=len, around=("f" * 10,))
    assert (fits.snippets, less.snippets, less.task.rules) == ((NAMED,), (), (rule,))
