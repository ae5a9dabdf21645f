"""A prompt suits the model that gets it: its form, its room; also when another model or a shorter context has to do."""

from __future__ import annotations

from dataclasses import replace

import pytest

from fakes.asking import CHAT, LIMITS, Clock, ask
from fakes.model_server import Failed, ModelServer
from fakes.scripted import Scripted, reply
from greenloop.errors import ModelUnreachable, OutOfBudget
from greenloop.model.chain import Chain
from greenloop.model.endpoint import Endpoint
from greenloop.model.faults import Fault, told_length
from greenloop.model.fitting import fit_of, narrowed, within
from greenloop.model.rows import lengths
from greenloop.ports import CallLimits, Chat, ChatMessage, Fit, Reply
from greenloop.settings import Settings

TOO_LONG = "This model's maximum context length is 8192 tokens. However, you requested 24000 tokens."
DOWN = Fault("gone", cause="unreachable")


def anew(asked: list[Fit]) -> CallLimits:
    """Limits whose prompt is made anew, as a text of its form and room."""

    def prompt(fit: Fit) -> Chat:
        asked.append(fit)
        return (ChatMessage(role="user", text=f"{fit.edit_format} {fit.room}"),)

    return replace(LIMITS, anew=prompt)


def model(name: str, fit: Fit, *replies: Reply | BaseException) -> Scripted:
    made = Scripted(*replies, name=name)
    made.fit = fit
    return made


def test_the_next_model_gets_the_prompt_in_its_own_form() -> None:
    asked: list[Fit] = []
    whole, plain = Fit(edit_format="whole", room=9000, output=100), Fit(edit_format="any", room=500, output=100)
    first, second = model("a", whole, DOWN), model("b", plain, reply("yes"), reply("again"))
    both = Chain([first, second])
    assert both.fit == whole
    answer = ask(both, limits=anew(asked))
    assert isinstance(answer, Reply)
    assert (answer.text, asked, both.fit) == ("yes", [plain], plain)
    assert [chat[0].text for chat in second.chats] == ["any 500"]
    ask(both, limits=anew(asked))
    assert len(asked) == 1, "there is nothing to make anew when nobody else is asked"


@pytest.mark.parametrize(("room", "text", "output"), [(40, "longer than it was", 40), (0, "Fix it, please.", 50)])
def test_a_longer_prompt_is_set_aside_before_it_is_asked_or_not_asked(room: int, text: str, output: int) -> None:
    """It is held under the budget like every further call."""
    held: list[Chat] = []

    def more(chat: Chat) -> int:
        held.append(chat)
        if not room:
            raise OutOfBudget("none left")
        return room

    def prompt(fit: Fit) -> Chat:
        longer = ChatMessage(role="user", text="longer than it was".ljust(99))
        return CHAT if fit.edit_format == "whole" else (longer,)

    second = model("b", Fit(edit_format="any"), reply("yes"))
    both = Chain([model("a", Fit(edit_format="whole"), DOWN), second])
    came = ask(both, limits=replace(LIMITS, more=more, anew=prompt))
    assert isinstance(came, Reply)
    assert (second.chats[0][-1].text.strip(), second.limits[0].max_output, len(held)) == (text, output, 1)


def test_a_prompt_that_overflows_is_made_again_for_the_length_that_the_provider_tells() -> None:
    asked: list[Fit] = []
    with ModelServer([Failed(400, TOO_LONG), "yes", "again"]) as server:
        one = Chain([Endpoint(Settings(model="m", api_base=server.api_base), pace=Clock().pace())])
        came = ask(one, limits=anew(asked))
        assert isinstance(came, Reply)
        assert (came.text, [(f.room, f.output) for f in asked]) == ("yes", [(3686, 4096)])
        assert (one.fit.room, one.fit.output) == (3686, 4096), "the next prompt is made for it at once"
        ask(one, limits=anew(asked))
        assert len(server.chats) == 3
    with ModelServer([Failed(400, TOO_LONG)] * 9) as server:
        one = Chain([Endpoint(Settings(model="m", api_base=server.api_base), pace=Clock().pace())])
        assert isinstance(ask(one, limits=anew([])), ModelUnreachable)
        assert len(server.chats) == 2, "once"
        assert isinstance(ask(one, limits=LIMITS), ModelUnreachable)
        assert len(server.chats) == 3, "not without a way to make it shorter"


SAID = [
    (TOO_LONG, 8192),
    ("request (5013 tokens) exceeds the available context size (4096 tokens), try increasing it", 4096),
    ("Requested tokens (3000) exceed context window of 2048", 2048),
    ("prompt is too long: 213462 tokens > 200000 maximum", 200_000),
    ("The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).", 1_048_576),
    ("Input is too long for requested model.", 0),
    ("context length " + "9" * 40, 0),
]


@pytest.mark.parametrize(("words", "length"), SAID)
def test_what_providers_say_of_a_prompt_that_is_too_long(words: str, length: int) -> None:
    assert told_length(words) == length


@pytest.mark.parametrize(("context", "parts"), [(0, (24_000, 8192)), (10_000, (5000, 5000)), (100_000, (24_000, 8192))])
def test_prompt_and_answer_share_the_context(context: int, parts: tuple[int, int]) -> None:
    assert lengths(24_000, 8192, context) == parts


def test_a_run_is_narrowed_to_its_model_and_no_hostile_length_is_believed() -> None:
    settings = Settings(model="m", api_base="http://h/v1")
    small = narrowed(settings, model("m", Fit(room=3000, output=1000)))
    assert (small.context_tokens, small.max_output) == (3000, 1000)
    assert narrowed(settings, model("m", Fit())) == settings
    assert within(fit_of(settings), 7) == fit_of(settings), "no context is so short"
