"""The next model when one cannot be had."""

from __future__ import annotations

import pytest

from fakes.asking import CHAT, LIMITS
from fakes.model_server import Cut, Failed, ModelServer
from greenloop.errors import ModelUnreachable
from greenloop.model import open_model
from greenloop.model.fallback import Fallback
from greenloop.model.replay import Replay
from greenloop.ports import Model, Price
from greenloop.settings import Prices, Settings


def model(server: ModelServer, name: str, prices: Prices | None = None) -> Model:
    return open_model(Settings(model=name, api_base=server.api_base, prices=prices))


def test_the_first_that_answers_is_kept() -> None:
    with ModelServer([Failed(401), "yes", "again"]) as server:
        both = Fallback([model(server, "a"), model(server, "b")])
        both.warm()
        assert both.name == "a"
        texts = [both.complete(CHAT, limits=LIMITS, on_chunk=lambda _: None).text for _ in range(2)]
        assert (texts, both.name, [c["model"] for c in server.chats]) == (["yes", "again"], "b", ["a", "b", "b"])


def test_a_call_that_may_have_been_billed_is_not_made_again_and_the_last_failure_is_told() -> None:
    with ModelServer([Cut("half"), Failed(401), Failed(403)]) as server:
        both = Fallback([model(server, "a"), model(server, "b")])
        with pytest.raises(ModelUnreachable) as caught:
            both.complete(CHAT, limits=LIMITS, on_chunk=lambda _: None)
        assert caught.value.spent
        with pytest.raises(ModelUnreachable):
            both.complete(CHAT, limits=LIMITS, on_chunk=lambda _: None)
        assert [c["model"] for c in server.chats] == ["a", "a", "b"]


def test_the_price_is_the_dearest_and_unknown_when_one_is() -> None:
    with ModelServer() as server:
        cheap, dear = model(server, "a", Prices(input=1, output=1)), model(server, "b", Prices(input=2, output=8))
        assert Fallback([cheap, dear]).price == Price(input=2, output=8)
        assert Fallback([cheap, Replay((), name="r")]).price is None
    with pytest.raises(ValueError, match="no model"):
        Fallback([])
