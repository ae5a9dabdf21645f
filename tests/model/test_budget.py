"""The budget: nothing is begun that could exceed it, and what may have been billed counts."""

from __future__ import annotations

import sys
import threading
from dataclasses import replace
from importlib import import_module
from pathlib import Path

import pytest

from fakes.asking import Clock
from greenloop.domain import Usage
from greenloop.errors import OutOfBudget
from greenloop.model.budget import Budget, cost_of, estimate_tokens, most_tokens
from greenloop.ports import ChatMessage, Price
from greenloop.settings import Settings

CHAT = (ChatMessage(role="user", text="word " * 1000),)
INPUT = most_tokens(CHAT)
DOLLAR = Price(input=1_000_000.0, output=1_000_000.0)  # one for each token


def budget(clock: Clock | None = None, *, tokens: int = 10**9, cost: float = 10.0**9, minutes: float = 60.0) -> Budget:
    settings = Settings(max_tokens=tokens, max_cost=cost, max_minutes=minutes)
    return Budget(settings, clock=clock or Clock())


def test_tokens_are_reserved_before_the_call_and_settled_after_it() -> None:
    limited = budget(tokens=INPUT + 4000)
    first = limited.reserve(CHAT, None, 4000)
    assert (first.input, first.max_output, first.cost) == (INPUT, 4000, None)
    with pytest.raises(OutOfBudget) as caught:
        limited.reserve(CHAT, None, 4000)
    assert str(caught.value) == (
        f"The next call needs up to {INPUT + 1024} tokens, and 0 of {INPUT + 4000} are left. "
        "Raise `max_tokens` to go on."
    )
    assert limited.used == Usage()
    limited.settle(first, Usage(calls=1, input=100, output=50, cost=None))
    assert limited.used == Usage(calls=1, input=100, output=50, cost=None)
    assert limited.reserve(CHAT, None, 4000).max_output == 4000 - 150


def test_the_output_is_lowered_to_what_fits_but_not_below_what_is_worth_a_call() -> None:
    assert budget(tokens=INPUT + 1024).reserve(CHAT, None, 8192).max_output == 1024
    with pytest.raises(OutOfBudget):
        budget(tokens=INPUT + 1023).reserve(CHAT, None, 8192)
    assert budget(tokens=INPUT + 50).reserve(CHAT, None, 50).max_output == 50
    assert budget(cost=INPUT + 1024.0).reserve(CHAT, DOLLAR, 8192).max_output == 1024
    assert budget(cost=INPUT + 3000.5).reserve(CHAT, DOLLAR, 8192).max_output == 3000


def test_money_bounds_a_model_with_a_price_and_only_that() -> None:
    poor = budget(cost=INPUT + 1023.0)
    with pytest.raises(OutOfBudget) as caught:
        poor.reserve(CHAT, DOLLAR, 8192)
    assert str(caught.value) == (
        f"The next call may cost ${INPUT + 1024}.0000, and ${INPUT + 1023}.0000 of ${INPUT + 1023}.00 are left. "
        "Raise `max_cost` to go on."
    )
    assert poor.reserve(CHAT, None, 8192).max_output == 8192
    with pytest.raises(OutOfBudget):
        budget(cost=INPUT - 1.0).reserve(CHAT, Price(input=1e6, output=0.0), 8192)
    assert budget(cost=float(INPUT)).reserve(CHAT, Price(input=1e6, output=0.0), 8192).max_output == 8192


def test_money_of_open_calls_is_taken() -> None:
    rich = budget(cost=2 * (INPUT + 2000.0))
    rich.reserve(CHAT, DOLLAR, 2000)
    assert rich.reserve(CHAT, DOLLAR, 9000).max_output == 2000
    with pytest.raises(OutOfBudget, match=r"and \$0\.0000 of"):
        rich.reserve(CHAT, DOLLAR, 2000)


def test_money_is_added_up_from_the_price_or_from_the_provider() -> None:
    rich = budget(cost=10_000.0)
    rich.settle(rich.reserve(CHAT, DOLLAR, 2000), Usage(calls=1, input=10, output=5, cached=4, cost=None))
    assert rich.used == Usage(calls=1, input=10, output=5, cached=4, cost=15.0)
    cheap = Price(input=1e6, output=2e6, cached=1e5)
    rich.settle(rich.reserve(CHAT, cheap, 2000), Usage(calls=1, input=10, output=5, cached=10, cost=None))
    assert rich.used.cost == 15.0 + 1.0 + 10.0
    rich.settle(rich.reserve(CHAT, None, 2000), Usage(calls=1, input=1, output=1, cost=None))
    assert rich.used.cost is None, "from here on nobody knows the sum"
    rich.settle(rich.reserve(CHAT, DOLLAR, 2000), Usage(calls=1, input=1, output=1, cost=9_000.0))
    with pytest.raises(OutOfBudget, match=r"\$974\.0000 of"):
        rich.reserve(CHAT, DOLLAR, 2000)


def test_what_is_written_to_the_providers_cache_may_cost_more() -> None:
    claude = Price(input=4.0, output=20.0, cached=0.4, written=5.0)
    assert cost_of(claude, into=1_000_000, out=0) == 5.0, "at most"
    assert cost_of(claude, into=1_000_000, out=100_000, cached=500_000, written=100_000) == 0.2 + 0.5 + 1.6 + 2.0
    assert cost_of(claude, into=1_000_000, out=0, cached=1_000_000) == 0.4
    assert budget(cost=float(INPUT)).reserve(CHAT, replace(DOLLAR, output=0.0), 10).cost == INPUT
    with pytest.raises(OutOfBudget):
        budget(cost=float(INPUT)).reserve(CHAT, replace(DOLLAR, output=0.0, written=1.25e6), 10)


def test_calls_are_a_bound_whatever_became_of_them() -> None:
    few = Budget(Settings(max_calls=3), clock=Clock())
    few.settle(few.reserve(CHAT, None, 10), Usage(calls=1, input=1, output=1, cost=None))
    few.failed(few.reserve(CHAT, None, 10), spent=False)
    few.failed(few.reserve(CHAT, None, 10), spent=True)
    few.reserve(CHAT, None, 10)
    with pytest.raises(OutOfBudget, match=r"^All 3 calls of this run are made\. Raise `max_calls` to go on\.$"):
        few.reserve(CHAT, None, 10)


@pytest.mark.parametrize("limit", ["tokens", "money", "time", "calls"])
def test_four_fifths_of_any_limit_are_nearly_all(limit: str) -> None:
    clock = Clock()
    spent = Budget(Settings(max_tokens=100_000, max_cost=10.0, max_minutes=10.0, max_calls=10), clock=clock)

    def spend(part: float) -> None:
        tokens, cost = (int(part * 100_000), 0.0) if limit == "tokens" else (1, part * 10 if limit == "money" else 0.0)
        if limit == "time":
            clock.now += part * 600
        for _ in range(round(part * 10) if limit == "calls" else 1):
            price = Price(input=0.0, output=0.0)
            spent.settle(spent.reserve((), price, 1), Usage(calls=limit == "calls", input=tokens, cost=cost))

    spend(0.7)
    assert not spent.nearly_spent
    spend(0.1)
    assert spent.nearly_spent


def test_no_text_has_more_tokens_than_are_reserved_for_it() -> None:
    """Those who write the files of a prompt may know how tokens are counted."""
    import_module("litellm")  # names its bundle to tiktoken
    tiktoken = import_module("tiktoken")

    rare = ["".join(chr(0x12000 + i % 768) for i in range(2000)), " \t" * 2000, "qzxjvwk" * 500, "\x01\x02" * 900]
    for text in (*rare, *OTHERS.values()):
        counts = [
            len(tiktoken.get_encoding(n).encode(text, disallowed_special=())) for n in ("cl100k_base", "o200k_base")
        ]
        assert max(counts) <= most_tokens((ChatMessage(role="user", text=text),))


def test_wall_time_is_a_bound() -> None:
    clock = Clock()
    short = budget(clock, minutes=1.0)
    assert short.seconds_left == 60.0
    clock.now += 59.0
    short.reserve(CHAT, None, 100)
    clock.now += 0.1
    with pytest.raises(OutOfBudget, match=r"^The 1 minutes of this run are over\. Raise `max_minutes` to go on\.$"):
        short.reserve(CHAT, None, 100)
    clock.now += 5.0
    assert short.seconds_left == 0.0


def test_a_failed_call_counts_when_it_may_have_been_billed() -> None:
    limited = budget(tokens=2 * INPUT + 8000, cost=2 * INPUT + 8000.0)
    limited.failed(limited.reserve(CHAT, DOLLAR, 4000), spent=False)
    assert limited.used == Usage()
    limited.failed(limited.reserve(CHAT, DOLLAR, 4000), spent=True)
    assert limited.used == Usage(calls=1, input=INPUT, output=4000, cost=INPUT + 4000.0, estimated=True)
    limited.failed(limited.reserve(CHAT, DOLLAR, 4000), spent=True)
    with pytest.raises(OutOfBudget):
        limited.reserve(CHAT, None, 1)
    with pytest.raises(OutOfBudget):
        limited.reserve((), DOLLAR, 1)


def test_a_reservation_is_closed_once() -> None:
    one = budget()
    reservation = one.reserve(CHAT, None, 100)
    one.settle(reservation, Usage(calls=1, cost=None))
    closed = "reservation 1 is not open: it was closed before"
    with pytest.raises(ValueError, match=closed):
        one.settle(reservation, Usage(calls=1))
    with pytest.raises(ValueError, match=closed):
        one.failed(reservation, spent=False)
    assert one.used.calls == 1


def test_parallel_calls_never_exceed_it() -> None:
    """Eight threads that take whatever they get; each uses all that it reserved."""
    limited = budget(tokens=40 * (INPUT + 2000), cost=30 * (INPUT + 2000.0))
    refused: list[OutOfBudget] = []

    def spend() -> None:
        try:
            while True:
                reservation = limited.reserve(CHAT, DOLLAR, 2000)
                used = Usage(calls=1, input=reservation.input, output=reservation.max_output, cost=None)
                limited.settle(reservation, used)
        except OutOfBudget as error:
            refused.append(error)

    threads = [threading.Thread(target=spend) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(refused) == 8
    assert (limited.used.calls, limited.used.cost) == (30, 30 * (INPUT + 2000.0))


SOURCES = sorted((Path(sys.base_prefix) / f"lib/python3.{sys.version_info.minor}").glob("*.py"))[::12]
OTHERS = {
    "numbers": "0.123456, -17.25, 99, " * 500,
    "hex": "8f14e45fceea167a5a36dedd4bea2543" * 200,
    "cyrillic": "Эта функция считает рабочие дни между двумя датами. " * 100,
    "chinese": "下面的函数计算两个日期之间的工作日数量并且返回结果。" * 100,
    "single letters": "a b c d e f g " * 500,
    "braces": "}\n" * 1000,
    "signs": "!@#$%^&*()_+{}[]|;:,.<>?/~`" * 200,
    "capitals": "THE_VALUE_OF_A_CONSTANT = OTHER_CONSTANT\n" * 200,
}


def test_the_estimate_holds_against_real_tokenizers() -> None:
    """Those of tiktoken, in the bundle that litellm brings: no network."""
    import_module("litellm")  # names its bundle to tiktoken
    tiktoken = import_module("tiktoken")

    encodings = (tiktoken.get_encoding("cl100k_base"), tiktoken.get_encoding("o200k_base"))
    texts = {path.name: path.read_text("utf-8", "replace") for path in SOURCES} | OTHERS
    ratios = {
        name: estimate_tokens(text) / max(len(e.encode(text, disallowed_special=())) for e in encodings)
        for name, text in texts.items()
        if text
    }
    assert {name: ratio for name, ratio in ratios.items() if ratio < 0.9} == {}
    code = sorted(ratios[path.name] for path in SOURCES if path.name in ratios)
    assert 1.0 <= code[len(code) // 2] <= 1.35, "not so careful that half of the context is wasted"


def test_small_texts_and_odd_ones() -> None:
    assert [estimate_tokens(t) for t in ("", "a", "a b", "12345", "\n", "\ud800")] == [0, 1, 2, 5, 1, 1]
