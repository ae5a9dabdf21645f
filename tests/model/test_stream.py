"""The protocol as it comes in, piece by piece, in the forms that endpoints use. No network."""

from __future__ import annotations

from typing import Any

import pytest

from greenloop.model.stream import Answer, Foreign, counted, error_in, event, payloads, well_formed, words_of

STREAM = b': hello\r\n\r\nevent: x\r\ndata: {"a": 1}\r\n\r\nid: 7\ndata:{"b": "\xc3\xa9"}\n\n\ndata: [DONE]'


def test_lines_may_be_cut_anywhere() -> None:
    expected = [b'{"a": 1}', b'{"b": "\xc3\xa9"}', b"[DONE]"]
    for cut in range(len(STREAM) + 1):
        assert list(payloads([STREAM[:cut], STREAM[cut:]])) == expected
    assert list(payloads(STREAM[i : i + 1] for i in range(len(STREAM)))) == expected
    assert list(payloads([])) == []


def test_events_are_objects() -> None:
    assert event(b'{"a": "\xff"}') == {"a": "\ufffd"}
    for payload, words in (
        (b"[1]", "'[1]' is not an object"),
        (b"nonsense" * 20, "'nonsensenonsensenonsensenonsensenonsensenonsensenonsensenons'… is not JSON"),
        (b"1" * 5000, "'" + "1" * 60 + "'… is not JSON"),
    ):
        with pytest.raises(Foreign) as caught:
            event(payload)
        assert str(caught.value) == words


def test_an_answer_is_gathered_from_every_form() -> None:
    answer = Answer()
    events: list[dict[str, Any]] = [
        {"choices": [{"delta": {"role": "assistant", "content": ""}}]},
        {"choices": [{"delta": {"reasoning_content": "hm"}}]},
        {"choices": [{"delta": {"reasoning": "hmm", "content": None}}]},
        {"choices": [{"delta": {"content": "a"}, "finish_reason": None}]},
        {
            "choices": [
                {"delta": {"content": [{"type": "thinking"}, {"type": "text", "text": "b"}, "?", {"type": "text"}]}}
            ]
        },
        {"choices": [{"message": {"content": "c"}}], "usage": {"prompt_tokens": 1}},
        {"choices": [{"delta": None, "finish_reason": "stop"}], "usage": None},
        {"choices": []},
        {},
    ]
    assert [answer.take(e) for e in events] == ["", "", "", "a", "b", "c", "", "", ""]
    assert (answer.text, answer.finish, answer.usage, answer.thought, answer.size) == (
        "abc",
        "stop",
        {"prompt_tokens": 1},
        5,
        3,
    )


@pytest.mark.parametrize(
    "choices",
    [["text"], {"0": 1}, 5, [{"delta": "text"}], [{"delta": {"content": 5}}], [{"delta": {"content": {"a": 1}}}]],
)
def test_choices_of_another_form_are_foreign(choices: object) -> None:
    with pytest.raises(Foreign):
        Answer().take({"choices": choices})


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ({"choices": []}, None),
        ({"error": None}, None),
        ({"error": {"message": "m", "code": 429}}, (429, "m")),
        ({"error": {"type": "t", "code": "rate_limit"}}, (None, "t")),
        ({"error": {"message": "m", "code": True}}, (None, "m")),
        ({"error": {"message": "m", "code": 200}}, (None, "m")),
        ({"error": {"message": "m", "status": 503}}, (503, "m")),
        ({"error": {"x": 1}}, (None, "an error without words")),
        ({"error": "text"}, (None, "text")),
        ({"object": "error", "message": "m", "code": 400}, (400, "m")),
    ],
)
def test_errors_in_every_form(value: dict[str, object], found: object) -> None:
    assert error_in(value) == found


def test_the_words_of_an_error_answer() -> None:
    assert [
        words_of(b)
        for b in (
            b'{"error": {"message": "m"}}',
            b'{"detail": "d"}',
            b'{"message": "x"}',
            b'{"other": 1}',
            b"<h1>no</h1>",
        )
    ] == ["m", "d", "x", '{"other": 1}', "<h1>no</h1>"]


@pytest.mark.parametrize(
    ("usage", "count"),
    [
        ({}, None),
        ({"prompt_tokens": 0, "completion_tokens": 5}, None),
        ({"prompt_tokens": 5}, None),
        ({"prompt_tokens": 5, "completion_tokens": -1}, None),
        ({"prompt_tokens": 5.5, "completion_tokens": 1}, None),
        ({"prompt_tokens": True, "completion_tokens": 1}, None),
        ({"prompt_tokens": 10**15, "completion_tokens": 1}, None),
        ({"prompt_tokens": 5, "completion_tokens": 0}, (5, 0, 0, None)),
        ({"prompt_tokens": 5, "completion_tokens": 1, "prompt_tokens_details": {"cached_tokens": 99}}, (5, 1, 5, None)),
        ({"prompt_tokens": 5, "completion_tokens": 1, "prompt_tokens_details": "x"}, (5, 1, 0, None)),
        (
            {"prompt_tokens": 9, "completion_tokens": 1, "prompt_tokens_details": {"cache_creation_tokens": 99}},
            (9, 1, 0, 9),
        ),
        ({"prompt_tokens": 9, "completion_tokens": 1, "cache_creation_input_tokens": 4}, (9, 1, 0, 4)),
    ],
)
def test_usage_is_believed_only_if_it_can_be_true(usage: dict[str, object], count: object) -> None:
    assert counted(usage) == count


def test_halves_of_surrogate_pairs_are_joined_or_replaced() -> None:
    answer = Answer()
    for piece in ("a\ud83d", "\ude42b", "\udc00é"):
        answer.take({"choices": [{"delta": {"content": piece}}]})
    assert answer.text == "a🙂b\ufffdé"
    assert well_formed("plain é") == "plain é"
