"""Each attack of the corpus at the functions that are its door and its way out: nothing of it is an order to a model,
nothing of it is alive on GitHub. Whole steps with many of them at once are in `test_steps.py`."""

from __future__ import annotations

import pytest

from greenloop.quiet import GAP
from injection import doors, oracle, sinks
from injection.corpus import DOORS, SPOKEN, Attack, attacks, by

ALL = attacks()
each = pytest.mark.parametrize("attack", ALL, ids=lambda a: a.id)


def decoded(text: str) -> str:
    """With what is spelt by signs without a shape: tags, and selectors as bytes."""
    tags = "".join(chr(ord(c) - 0xE0000) for c in text if 0xE0020 <= ord(c) <= 0xE007E)
    selectors = [ord(c) - 0xE0100 + 16 if ord(c) >= 0xE0100 else ord(c) - 0xFE00 for c in text if ord(c) in _SELECTORS]
    return text + tags + bytes(n for n in selectors if n < 256).decode("latin-1")


_SELECTORS = {*range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0)}


def test_the_corpus_can_be_searched() -> None:
    assert len({attack.id for attack in ALL}) == len(ALL)
    assert {attack.door for attack in ALL} <= DOORS
    assert [a.id for a in ALL if a.canary.lower() not in decoded(a.text).lower()] == []


@each
def test_nothing_of_it_is_an_order(attack: Attack) -> None:
    """What a model is sent: no sign that nobody sees, no token of its template, and words of others between marks."""
    shown = oracle.seen(attack.text)
    for chat in doors.chats(attack):
        prompt = chat[1].text
        wrong = oracle.hidden(prompt), oracle.template(prompt)
        assert wrong == ([], []), prompt
        if attack.door in SPOKEN and attack.canary not in shown:
            assert attack.canary not in prompt
        if attack.door not in {"comment", "model_answer"}:
            assert attack.canary not in oracle.outside(prompt)


@pytest.mark.parametrize("attack", by("issue_title", "issue_body"), ids=lambda a: a.id)
def test_what_is_adopted_is_what_was_seen(attack: Attack) -> None:
    prompt = doors.adopted(attack)[1].text
    assert (oracle.hidden(prompt), oracle.template(prompt)) == ([], [])
    assert attack.canary in oracle.seen(attack.text) or attack.canary not in prompt


@each
def test_nothing_of_it_is_alive(attack: Attack) -> None:
    """Every text of ours with the attack in every place, whatever door it came by."""
    wrong = {name: found for name, text in sinks.rendered(attack.text).items() if (found := oracle.alive(text))}
    assert wrong == {}
    unseen = {name for name, text in sinks.rendered(attack.text).items() if oracle.hidden(text.replace(GAP, ""))}
    assert unseen == set()


@each
def test_nothing_of_it_acts_where_there_is_no_markdown(attack: Attack) -> None:
    """Titles, annotations, messages of commits, and lines for the runner."""
    assert {name: text for name, text in sinks.plain(attack.text).items() if oracle.hidden(text.replace(GAP, ""))} == {}
    assert [found for text in sinks.commits(attack.text) if (found := oracle.in_a_commit(text))] == []
    assert [line for line in sinks.printed(attack.text) if "\n" in line or not line.startswith("::")] == []
