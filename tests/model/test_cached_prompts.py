"""What stays the same from call to call is marked where a provider has a cache for it, and cut nowhere else."""

from __future__ import annotations

import pytest

from fakes.asking import LIMITS
from greenloop.model.formats import anthropic
from greenloop.model.providers import _message
from greenloop.model.question import Question
from greenloop.ports import ChatMessage

KEPT = {"type": "ephemeral"}
USER = ChatMessage(role="user", text="request files now", stable=(0, 7, 13, 7, 99))
PIECES = [
    {"type": "text", "text": "request", "cache_control": KEPT},
    {"type": "text", "text": " files", "cache_control": KEPT},
    {"type": "text", "text": " now"},
]


def test_a_text_is_cut_where_it_is_said_to_be_stable() -> None:
    assert USER.pieces == ("request", " files", " now")
    assert ChatMessage(role="user", text="all").pieces == ("all",)
    assert ChatMessage(role="user", text="", stable=(0,)).pieces == ("",)


def test_anthropic_is_told_what_to_keep_and_no_more_than_it_takes() -> None:
    chat = (ChatMessage(role="system", text="Be brief."), USER)
    asked = Question(model="claude", chat=chat, limits=LIMITS)
    made = anthropic.body(asked, frozenset())
    assert made["system"] == [{"type": "text", "text": "Be brief.", "cache_control": KEPT}]
    assert made["messages"] == [{"role": "user", "content": PIECES}]
    without = anthropic.body(asked, frozenset({"cache_control"}))
    assert without["messages"] == [{"role": "user", "content": USER.text}]


@pytest.mark.parametrize("model", ["anthropic/claude-x", "bedrock/anthropic.claude", "openai/gpt", "ollama_chat/x"])
def test_through_litellm_only_claude_is(model: str) -> None:
    content = PIECES if "claude" in model else USER.text
    assert _message(USER, model) == {"role": "user", "content": content}
