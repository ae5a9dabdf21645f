"""Breaker, key ring and limits: rules over time, which is a number here, and shared by processes."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from pathlib import Path

import pytest

from fakes.asking import Clock
from greenloop.domain import Usage
from greenloop.model.breaker import Breaker
from greenloop.model.faults import Fault
from greenloop.model.limits import Limits
from greenloop.model.line import Line
from greenloop.model.ring import Ring
from greenloop.model.shared import FILE, Machine, Memory, Shared
from greenloop.ports import Reply

REPLY = Reply(text="ok", finish="stop", usage=Usage(calls=1, input=60, output=20), model="m", first_token=0.0)
Step = str | Fault | Reply


def down() -> Fault:
    return Fault("down.", again=True, cause="down")


def limited(wait: float | None = None) -> Fault:
    return Fault("limited.", again=True, wait=wait, cause="limited")


def wrong() -> Fault:
    return Fault("wrong key.", cause="key")


class Provider:
    """Answers by key; notes who asked."""

    def __init__(self, *steps: Fault | Reply) -> None:
        self.steps = list(steps)
        self.asked: list[str] = []

    def __call__(self, key: str) -> Reply:
        self.asked.append(key)
        step = self.steps.pop(0) if self.steps else REPLY
        if isinstance(step, Fault):
            raise step
        return step


class Lines:
    """A line over a clock, and what came of its calls."""

    def __init__(self, keys: Callable[[], tuple[str, ...]] = lambda: ("a",), **words: float) -> None:
        self.clock = Clock()
        shared: Shared = Memory(self.clock)
        self.line = Line(
            pace=self.clock.pace(),
            ring=Ring("p", keys, shared),
            breaker=Breaker(place="p", shared=shared),
            limits=Limits(place="p", shared=shared, **words),
        )

    def call(self, provider: Provider, *, seconds: float = 1000.0, patience: float = 9e9, tokens: int = 100) -> str:
        try:
            reply = self.line.call(provider, tokens=tokens, deadline=self.clock.now + seconds, patience=patience)
        except Fault as fault:
            return str(fault)
        return reply.text


# Breaker


def test_three_failures_in_a_row_open_it_and_one_call_tries_again() -> None:
    lines, provider = Lines(), Provider(down(), down(), down())
    assert lines.call(provider) == "down. Tried 3 times."
    assert lines.call(provider, seconds=10) == (
        "p failed 3 times in a row and rests; it is tried again in 30 s. "
        "Trying again would need to wait 30 s, and there is not so much time left."
    )
    assert len(provider.asked) == 3, "nobody is asked while it rests"
    assert lines.call(provider) == "ok"
    assert lines.clock.slept == [1.0, 2.0, 30.0]
    assert lines.call(Provider(down(), REPLY)) == "ok"
    assert lines.call(Provider(down(), REPLY)) == "ok", "an answer closes it: failures count in a row"
    assert lines.clock.slept == [1.0, 2.0, 30.0, 1.0, 1.0]


def test_a_failed_probe_doubles_the_rest_up_to_the_longest() -> None:
    clock = Clock()
    breaker = Breaker(place="p", shared=Memory(clock))
    rests = []
    for _ in range(2):
        breaker.failed(down())
    for _ in range(7):
        breaker.failed(down())
        with pytest.raises(Fault) as caught:
            breaker.admit()
        assert caught.value.wait is not None
        rests.append(caught.value.wait)
        clock.now += caught.value.wait
        breaker.admit()
    assert rests == [30.0, 60.0, 120.0, 240.0, 480.0, 600.0, 600.0]


def test_half_open_lets_one_through_and_the_others_wait_for_it() -> None:
    clock = Clock()
    breaker = Breaker(place="p", shared=Memory(clock))
    for _ in range(3):
        breaker.failed(down())
    clock.now += 30
    breaker.admit()
    with pytest.raises(Fault, match=r"tried again in 120 s"):
        breaker.admit()
    clock.now += 120
    breaker.admit()
    breaker.answered()
    breaker.admit()
    breaker.admit()


def test_only_what_tells_that_it_is_down_counts() -> None:
    for fault in (wrong(), limited(), Fault("too long.", cause="long"), Fault("bad.", cause="request")):
        breaker = Breaker(place="p", shared=Memory(Clock()))
        for _ in range(2):
            breaker.failed(down())
        breaker.failed(fault)
        breaker.failed(down())
        breaker.admit()
    for cause in ("down", "unreachable", "late", "cut", "foreign"):
        breaker = Breaker(place="p", shared=Memory(Clock()))
        for _ in range(3):
            breaker.failed(Fault("x", cause=cause))
        with pytest.raises(Fault, match="rests"):
            breaker.admit()


def test_a_clock_that_was_set_back_opens_nothing_for_long() -> None:
    clock = Clock()
    breaker = Breaker(place="p", shared=Memory(clock))
    for _ in range(3):
        breaker.failed(down())
    clock.now -= 100_000
    breaker.admit()


# Key ring


def test_a_refused_key_rests_and_the_next_one_is_asked_at_once() -> None:
    lines = Lines(lambda: ("a", "b", "c"))
    first = Provider(wrong(), limited(7.0), REPLY)
    assert (lines.call(first), first.asked, lines.clock.slept) == ("ok", ["a", "b", "c"], [])
    later = Provider()
    assert (lines.call(later), later.asked) == ("ok", ["c"])
    lines.clock.now += 7.0
    assert (lines.call(later), later.asked) == ("ok", ["c", "b"])
    lines.clock.now += 600.0
    assert (lines.call(later), later.asked) == ("ok", ["c", "b", "a"])


def test_when_all_keys_are_limited_the_first_to_wake_is_waited_for() -> None:
    lines = Lines(lambda: ("a", "b"))
    provider = Provider(limited(9.0), limited(4.0), REPLY)
    assert (lines.call(provider), provider.asked, lines.clock.slept) == ("ok", ["a", "b", "b"], [4.0])
    again = Provider(limited(50.0))
    assert lines.call(again, seconds=3.0).startswith("limited. Trying again would need to wait 5 s")
    assert lines.call(again, seconds=3.0) == (
        "p is limiting our requests: every key rests for 5 s. "
        "Trying again would need to wait 5 s, and there is not so much time left."
    )
    assert again.asked == ["b"]


def test_a_limit_without_a_time_rests_a_key_only_beside_another_one() -> None:
    alone = Lines()
    provider = Provider(limited(), REPLY)
    assert (lines_of(alone, provider)) == ("ok", ["a", "a"], [1.0])
    two = Lines(lambda: ("a", "b"))
    provider = Provider(limited(), REPLY, REPLY)
    assert lines_of(two, provider) == ("ok", ["a", "b"], [])
    assert lines_of(two, provider) == ("ok", ["a", "b", "b"], [])
    two.clock.now += 60.0
    assert lines_of(two, provider) == ("ok", ["a", "b", "b", "a"], [])


def lines_of(lines: Lines, provider: Provider) -> tuple[str, list[str], list[float]]:
    return lines.call(provider), provider.asked, lines.clock.slept


def test_when_all_keys_are_wrong_one_is_asked_and_never_two_times_in_a_call() -> None:
    lines = Lines(lambda: ("a", "b"))
    provider = Provider(wrong(), wrong())
    assert lines_of(lines, provider) == ("wrong key.", ["a", "b"], [])
    assert lines_of(lines, Provider(wrong(), wrong(), REPLY))[:2] == ("wrong key.", ["a"])


def test_a_key_that_may_be_asked_at_once_again_does_not_keep_the_others_out() -> None:
    provider = Provider(limited(0.0), limited(0.0), REPLY)
    assert lines_of(Lines(lambda: ("a", "b")), provider) == ("ok", ["a", "b", "a"], [0.0])


def test_keys_are_read_anew_for_each_call_and_none_is_shown_that_ever_was() -> None:
    keys = ["old"]
    lines = Lines(lambda: tuple(keys))
    provider = Provider(wrong(), REPLY)
    assert lines.call(provider) == "wrong key."
    keys[:] = ["new"]
    assert (lines.call(provider), provider.asked) == ("ok", ["old", "new"])
    assert lines.line.ring.seen() == ("old", "new")


def test_without_a_key_a_refusal_is_a_refusal() -> None:
    provider = Provider(wrong())
    assert (Lines(tuple).call(provider), provider.asked) == ("wrong key.", [""])


# Limits


def test_requests_a_minute() -> None:
    lines, provider = Lines(requests=2.0), Provider()
    assert [lines.call(provider) for _ in range(3)] == ["ok"] * 3
    assert lines.clock.slept == [30.0]
    lines.clock.now += 3600
    assert [lines.call(provider) for _ in range(3)] == ["ok"] * 3
    assert lines.clock.slept == [30.0, 30.0], "a bucket holds no more than a minute"


def test_tokens_a_minute_and_what_was_not_needed_comes_back() -> None:
    lines, provider = Lines(tokens=100.0), Provider()
    assert [lines.call(provider, tokens=100) for _ in range(2)] == ["ok"] * 2
    assert lines.clock.slept == [48.0], "80 of 100 were needed; the other 20 were there again"


def test_a_call_larger_than_a_minute_waits_for_a_full_bucket_and_leaves_a_debt() -> None:
    clock = Clock()
    limits = Limits(place="p", shared=Memory(clock), tokens=100.0)
    limits.take(250)
    with pytest.raises(Fault) as caught:
        limits.take(10)
    assert (str(caught.value), caught.value.wait) == (
        "The limits of p (100 tokens a minute) are used up for 96 s.",
        96.0,
    )


def test_tokens_of_a_call_that_was_not_billed_come_back_and_others_do_not() -> None:
    lines = Lines(tokens=100.0)
    assert lines.call(Provider(Fault("no.", cause="request")), tokens=100) == "no."
    assert lines_of(lines, Provider()) == ("ok", ["a"], [])
    cut = Lines(tokens=100.0)
    assert cut.call(Provider(Fault("cut.", cause="cut", spent=True)), tokens=100) == "cut."
    assert (cut.call(Provider(), tokens=100), cut.clock.slept) == ("ok", [60.0])


def test_waiting_for_a_limit_is_no_try_and_patience_ends_it() -> None:
    lines = Lines(requests=1.0)
    assert lines.call(Provider(down(), down(), REPLY)) == "ok"
    assert lines.clock.slept == [1.0, 59.0, 2.0, 58.0]
    assert lines.call(Provider(), patience=20.0) == "The limits of p (1 requests a minute) are used up for 60 s."


# Shared


def test_what_is_known_is_known_to_all_processes_of_the_machine(tmp_path: Path) -> None:
    clock = Clock()
    for _ in range(3):
        Breaker(place="p", shared=Machine(tmp_path, clock)).failed(down())
    with pytest.raises(Fault, match="rests"):
        Breaker(place="p", shared=Machine(tmp_path, clock)).admit()
    Ring("p", lambda: ("a", "b"), Machine(tmp_path, clock)).rest("a", limited(9.0), ["a"])
    assert Ring("p", lambda: ("a", "b"), Machine(tmp_path, clock)).pick() == "b"
    clock.now += 100_000
    Breaker(place="p", shared=Machine(tmp_path, clock)).admit()


def _count(folder: Path) -> None:
    shared = Machine(folder)
    for _ in range(20):
        shared.change("n", lambda fact: ({"n": fact.get("n", 0.0) + 1}, None))


def test_no_change_is_lost_between_processes(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    children = [context.Process(target=_count, args=(tmp_path,)) for _ in range(4)]
    for child in children:
        child.start()
    for child in children:
        child.join()
    assert [child.exitcode for child in children] == [0] * 4
    assert Machine(tmp_path).change("n", lambda fact: (fact, fact)) == {"n": 80.0}


def test_a_file_that_cannot_be_used_costs_a_warning(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("")
    shared = Machine(tmp_path / "file")
    assert [shared.change("n", lambda f: ({"n": f.get("n", 0.0) + 1}, f.get("n", 0.0))) for _ in range(3)] == [0, 1, 2]
    assert capsys.readouterr().err.count("cannot be used") == 1


@pytest.mark.parametrize("text", ["[]", "{", '{"until": "soon"}', '{"until": NaN}', '{"until": true}', "9" * 5000])
def test_a_fact_of_another_form_is_none(tmp_path: Path, text: str) -> None:
    shared = Machine(tmp_path)
    shared.change("n", lambda _: ({"n": 1.0}, None))
    shared._rows.must(lambda rows: rows.execute("UPDATE facts SET fact = ?", (text,)))
    assert shared.change("n", lambda fact: (fact, fact)) == {}


def test_the_file_holds_no_key(tmp_path: Path) -> None:
    ring = Ring("p", lambda: ("sk-made-up-4f9a8b7c", "b"), Machine(tmp_path, Clock()))
    ring.rest("sk-made-up-4f9a8b7c", limited(9.0), ["sk-made-up-4f9a8b7c"])
    held = b"".join(path.read_bytes() for path in sorted(tmp_path.iterdir()))
    assert (b"key " in held, b"made-up" in held) == (True, False), FILE
