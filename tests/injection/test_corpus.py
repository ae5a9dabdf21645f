"""Each attack of the corpus at the functions that are its door and its way out: nothing of it is an order to a model,
nothing of it is alive on GitHub."""

from __future__ import annotations

import re

import pytest

from greenloop.hygiene.quiet import GAP
from injection import doors, oracle, sinks
from injection.corpus import DOORS, SPOKEN, Attack, attacks, words

ALL = attacks()
KINDS = sorted({attack.kind for attack in ALL})
each = pytest.mark.parametrize("kind", KINDS)


def of(kind: str) -> list[Attack]:
    return [attack for attack in ALL if attack.kind == kind]


def test_the_corpus_can_be_searched() -> None:
    assert len({attack.id for attack in ALL}) == len(ALL)
    assert {attack.door for attack in ALL} == DOORS
    assert [a.id for a in ALL if a.canary not in a.text and not oracle.hidden(a.text)] == []
    assert words() <= {attack.id for attack in ALL if attack.live}


@each
def test_nothing_of_it_is_an_order(kind: str) -> None:
    """What a model is sent: no sign that nobody sees, no token of its template, and words of others between marks."""
    wrong = {
        a.id: found for a in of(kind) if (found := [w for chat in doors.chats(a) for w in _orders(a, chat[1].text)])
    }
    assert wrong == {}


def _orders(attack: Attack, prompt: str) -> list[str]:
    found = [*oracle.hidden(prompt), *oracle.template(prompt)]
    if attack.door in SPOKEN and attack.canary in prompt and attack.canary not in oracle.seen(attack.text):
        found.append("what nobody sees is there")
    if attack.door not in {"comment", "model_answer"} and attack.canary in oracle.outside(prompt):
        found.append("it is not quoted")
    return found


def test_what_is_adopted_is_what_was_seen() -> None:
    """A bare command makes a request of an issue's opening."""
    for attack in ALL:
        if attack.door in {"issue_title", "issue_body"}:
            prompt = doors.adopted(attack)[1].text
            assert (attack.id, oracle.hidden(prompt), oracle.template(prompt)) == (attack.id, [], [])
            assert attack.canary in oracle.seen(attack.text) or attack.canary not in prompt, attack.id


@each
def test_nothing_of_it_is_alive(kind: str) -> None:
    """Every text of ours with the attack in every place, whatever door it came by."""
    wrong: dict[tuple[str, str], list[str]] = {}
    for attack in of(kind):
        for name, text in sinks.rendered(attack.text).items():
            found = oracle.alive(text, sinks.HOST) + oracle.hidden(text.replace(GAP, ""))
            wrong |= {(attack.id, name): found} if found else {}
    assert wrong == {}


@each
def test_what_its_author_looks_for_is_not_there(kind: str) -> None:
    wrong = {a.id: found for a in of(kind) if a.live and a.id not in words() and (found := _live(a))}
    assert wrong == {}


def _live(attack: Attack) -> list[str]:
    if attack.where == "prompt":
        texts = [oracle.outside(chat[1].text) for chat in doors.chats(attack)]
    elif attack.where == "post":
        texts = [oracle.source(text, sinks.HOST) for text in sinks.rendered(attack.text).values()]
    else:
        texts = [*sinks.printed(attack.text)]
    return [found[0] for text in texts if (found := re.search(attack.live, text))]


@each
def test_nothing_of_it_acts_where_there_is_no_markdown(kind: str) -> None:
    """Titles, annotations, messages of commits, and lines for the runner."""
    wrong: dict[str, list[str]] = {}
    for attack in of(kind):
        found = [name for name, text in sinks.plain(attack.text).items() if oracle.hidden(text.replace(GAP, ""))]
        found += [line for text in sinks.commits(attack.text) for line in oracle.in_a_commit(text)]
        found += [line for line in sinks.printed(attack.text) if "\n" in line or not line.startswith("::")]
        wrong |= {attack.id: found} if found else {}
    assert wrong == {}
