"""When a request is sent again, and what is seen of a failure."""

from __future__ import annotations

import pytest

from fakes.github.faults import broken, dropped, lost, secondary
from forge.conftest import Hub
from greenloop.forge.github import Fault, Pace
from greenloop.forge.github.asking import Api
from greenloop.forge.github.errors import Ask


def test_what_cannot_be_looked_for_is_sent_once(hub: Hub) -> None:
    api = Api(hub.connection(), clock=hub.clock, sleep=hub.clock.sleep, pace=Pace(writes=0.0))
    path = f"{api.repo}/issues/1/comments"
    once = Ask(verb="POST", path=path, doing="comment", needs="", body={"body": "one"}, repeatable=False)
    for fault in (lost(), broken(), dropped()):
        hub.fake.on("POST", "/comments$", fault)
        with pytest.raises(Fault) as caught:
            api.write(once)
        assert caught.value.unsure
    assert len(hub.repository.comments) == 1
    hub.fake.on("POST", "/comments$", secondary(1))  # what was refused did not happen
    api.write(once)
    assert len(hub.repository.comments) == 2
    assert hub.waits == [1.0]


def test_no_library_is_seen_behind_an_error(hub: Hub) -> None:
    hub.fake.on("GET", "/issues/1$", dropped(), times=4)
    with pytest.raises(
        Fault, match=r"^GitHub gave no whole answer when asked to read issue #1 \(.*\)\. Is the"
    ) as caught:
        hub.github().issue(1)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__
    assert hub.waits == [1.0, 2.0, 4.0]
