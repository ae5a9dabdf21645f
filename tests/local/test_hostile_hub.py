"""A hub that means harm, or a folder that somebody else was in: each attack ends with words, and leaves nothing."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from fakes.hub import COMMIT, REPOSITORY, Hub
from greenloop.errors import Misconfigured
from greenloop.model.faults import Fault
from greenloop.model.local.arrived import Told
from greenloop.model.local.files import Listed
from greenloop.model.local.hub import fetch, look
from greenloop.model.local.store import Looked, Store

TENSORS = (2).to_bytes(8, "little") + b"{}" + bytes(300_000)
FILES = {"config.json": b'{"hidden_size": 64}', "model.safetensors": TENSORS}
WEIGHTS = ("model.safetensors",)
Make = Callable[..., Store]


@pytest.fixture
def store(tmp_path: Path) -> Make:
    def make(hub: Hub, *, silence: float = 60.0, **environment: str) -> Store:
        kept = {name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ}
        given = {**kept, "HOME": str(tmp_path), "HF_ENDPOINT": hub.origin, **environment}
        return Store(tmp_path / "models", given, Event(), silence=silence)

    return make


def refused(what: Callable[[], object]) -> str:
    with pytest.raises(Fault) as error:
        what()
    return str(error.value)


def take(store: Store, names: tuple[str, ...] = WEIGHTS) -> Path:
    looked = store.look(REPOSITORY, "")
    return store.fetch(looked, [f for f in looked.files if f.name in names], lambda _: None)


@pytest.fixture
def direct(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """What the program of the hub says, without a process for it."""

    def ask(hub: Hub, revision: str = "", names: tuple[str, ...] = ()) -> str:
        monkeypatch.setenv("HF_ENDPOINT", hub.origin)
        try:
            found = look(REPOSITORY, revision)
            fetch(REPOSITORY, COMMIT, [f for f in found["files"] if f["name"] in names], str(tmp_path / COMMIT))
        except Told as error:
            return str(error)
        raise AssertionError("it has nothing to say")

    return ask


def keys(hub: Hub) -> set[str]:
    return {key for _, _, key in hub.requests}


@pytest.mark.parametrize("lies", ["in the environment", "in a file of the library's"])
def test_a_mirror_gets_no_token_that_nobody_has_given_to_it(store: Make, tmp_path: Path, lies: str) -> None:
    token = tmp_path / ".cache/huggingface/token"
    given = {"HF_TOKEN": "hf_mine"} if lies == "in the environment" else {}
    if not given:
        token.parent.mkdir(parents=True)
        token.write_text("hf_mine")
    with Hub(FILES, gated=True) as closed:
        said = refused(lambda: store(closed, **given).look(REPOSITORY, ""))
        assert (keys(closed), f"GREENLOOP_ENDPOINTS={closed.origin}" in said) == ({""}, True)
        refused(lambda: store(closed, **given, GREENLOOP_ENDPOINTS=f"{closed.origin}/v1").look(REPOSITORY, ""))
        assert keys(closed) == {"", "Bearer hf_mine"}


def test_an_address_that_is_no_hub(store: Make) -> None:
    with Hub(FILES) as hub, pytest.raises(Misconfigured, match="HF_ENDPOINT is 'file:///etc', which is no address"):
        store(hub, HF_ENDPOINT="file:///etc").look(REPOSITORY, "")


def test_a_redirect_does_not_take_the_token_along(store: Make) -> None:
    with Hub(FILES) as elsewhere, Hub(FILES, moved=elsewhere.origin) as hub:
        folder = take(store(hub, HF_TOKEN="hf_mine", GREENLOOP_ENDPOINTS=hub.origin))
        assert (keys(hub), keys(elsewhere)) == ({"Bearer hf_mine"}, {""})
    assert (folder / "model.safetensors").read_bytes() == TENSORS


def test_a_file_without_end_takes_no_more_room_than_it_was_to(direct: Callable[..., str], tmp_path: Path) -> None:
    with Hub(FILES, endless=WEIGHTS) as hub:
        said = direct(hub, names=WEIGHTS)
    assert said == (
        f"The hub at {hub.origin} sends more of model.safetensors than the {len(TENSORS)} bytes that it lists; no more "
        "was taken."
    )
    assert sum(path.stat().st_size for path in tmp_path.rglob("*safetensors*")) <= len(TENSORS)
    with Hub(FILES, endless=("config.json",)) as hub:
        assert "sends more of config.json than the 19 bytes" in direct(hub)


def test_a_list_without_end_is_not_read_to_the_end_of_memory(store: Make) -> None:
    with Hub(FILES, endless=("",)) as hub:
        assert refused(lambda: store(hub).look(REPOSITORY, "")) == (
            f"The hub at {hub.origin} says more than anybody could read."
        )


def test_a_hub_that_falls_silent_is_left(store: Make) -> None:
    with Hub(FILES, breaks={"model.safetensors": 10}) as hub:
        began = time.monotonic()
        assert refused(lambda: take(store(hub, silence=0.2))).startswith("Nothing came from the hub for 0 s.")
        assert time.monotonic() - began < 60.0


def sibling(**values: Any) -> dict[str, Any]:
    return {"siblings": [{"rfilename": "a.safetensors", "size": 1, "blobId": "b", **values}]}


@pytest.mark.parametrize(
    ("says", "why"),
    [
        ({"sha": "../../etc"}, "its commit is '../../etc'"),
        ({"sha": None}, ""),
        ({"siblings": 7}, ""),
        (sibling(rfilename=["a"]), "a file \"['a']\" of 1 bytes"),
        (sibling(rfilename="a" * 501), "a file 'aaaaaaaaaa"),
        (sibling(size=-1), "of -1 bytes"),
        (sibling(size="7"), "of 7 bytes"),
        (sibling(lfs=7), ""),
        ({"siblings": [{"rfilename": f"{n}.safetensors"} for n in range(10_001)]}, "a repository of 10001 files"),
    ],
)
def test_a_list_that_cannot_be(direct: Callable[..., str], says: Mapping[str, Any], why: str) -> None:
    with Hub(FILES, says=says) as hub:
        said = direct(hub)
    assert said.startswith(f"The hub at {hub.origin} says something that cannot be: ")
    assert why in said


def test_a_commit_is_never_another_one(direct: Callable[..., str]) -> None:
    """Whoever may name a branch could name it as a commit is named."""
    with Hub(FILES, says={"sha": "b" * 40}) as hub:
        said = direct(hub, COMMIT)
    assert said == f"org/tiny gives another commit for {COMMIT}: {'b' * 40}. A commit never becomes another one."


def test_what_has_no_hash_is_not_taken(direct: Callable[..., str]) -> None:
    with Hub(FILES, says=sibling(rfilename="model.safetensors", size=len(TENSORS), blobId=None)) as hub:
        assert direct(hub, names=WEIGHTS).startswith("model.safetensors arrived damaged: ")


def test_a_link_in_the_folder_of_weights_is_not_followed(store: Make, tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("mine")
    with Hub(FILES) as hub:
        store(hub).look(REPOSITORY, "")
        place = tmp_path / "models" / "org--tiny" / COMMIT
        listed = [{"name": "sub/a.gguf", "size": 1, "sha256": "", "blob": "b"}]
        for planted in ("sub/a.gguf.part", ".greenloop.json.lock", ".greenloop.json", "sub"):
            link = place / planted
            link.parent.mkdir(exist_ok=True)
            link.symlink_to(victim)
            with pytest.raises(Told) as error:
                fetch(REPOSITORY, COMMIT, listed, str(place))
            assert str(error.value).startswith(f"{link} is a symbolic link, and greenloop makes none there.")
            link.unlink()
            if link.parent != place:
                link.parent.rmdir()
        (place.parent / "main.ref").unlink()
        (place.parent / "main.ref").symlink_to(victim)
        assert "main.ref is a symbolic link" in refused(lambda: store(hub).look(REPOSITORY, ""))
    assert victim.read_text() == "mine"


def test_a_folder_that_cannot_be_written(store: Make, tmp_path: Path) -> None:
    (tmp_path / "models").write_text("a file where the folder was to be")
    with Hub(FILES) as hub:
        said = refused(lambda: store(hub).look(REPOSITORY, ""))
        assert said.startswith(f"The weights cannot be kept in {tmp_path}/models/org--tiny/{COMMIT}: ")
        listed = Listed(name="model.safetensors", size=1, blob="b")
        looked = Looked(repository=REPOSITORY, commit=COMMIT, files=(listed,), config={})
        assert refused(lambda: store(hub).fetch(looked, (listed,), lambda _: None)).startswith(
            "The weights cannot be kept: NotADirectoryError"
        )


def test_more_files_than_can_be_asked_for(store: Make) -> None:
    many = tuple(Listed(name=f"{n}{'a' * 400}.safetensors", size=1, blob="b") for n in range(400))
    looked = Looked(repository=REPOSITORY, commit=COMMIT, files=many, config={})
    with Hub(FILES) as hub:
        assert refused(lambda: store(hub).fetch(looked, many, lambda _: None)) == (
            "The download cannot be started: Argument list too long."
        )


def test_what_was_remembered_and_is_damaged_is_asked_anew(store: Make, tmp_path: Path) -> None:
    with Hub(FILES) as hub:
        first = store(hub).look(REPOSITORY, COMMIT)
        (remembered,) = tmp_path.rglob(".greenloop.look.json")
        remembered.write_text(json.dumps({"commit": COMMIT, "files": [{"name": "a"}]}))
        assert store(hub).look(REPOSITORY, COMMIT) == first
        for damage in ("", "[]", '{"commit": 7}'):
            remembered.write_text(damage)
            said = refused(lambda: store(hub, GREENLOOP_OFFLINE="1").look(REPOSITORY, COMMIT))
            assert "GREENLOOP_OFFLINE forbids to fetch it" in said
