"""Weights from the hub: pinned, whole, resumed, shared; never a pickle, never damaged, never without room."""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from threading import Event
from time import sleep

import pytest

from fakes.hub import COMMIT, REPOSITORY, Hub
from greenloop.model.faults import Fault
from greenloop.model.local.arrived import PART, Told
from greenloop.model.local.files import Listed, NoWeights, chosen
from greenloop.model.local.hub import MARK, look
from greenloop.model.local.hub import fetch as hub_fetch
from greenloop.model.local.store import Looked, Store

TENSORS = (2).to_bytes(8, "little") + b"{}" + bytes(300_000)
FILES = {
    "config.json": b'{"hidden_size": 64}',
    "tokenizer.json": b"{}",
    "model.safetensors": TENSORS,
    "pytorch_model.bin": b"a pickle",
    "modeling_tiny.py": b"import os",
}
BLOCK = 10 * 1024 * 1024  # the library writes no less at once
WANTED = ["model.safetensors", "config.json", "tokenizer.json"]


@pytest.fixture
def store(tmp_path: Path) -> Callable[..., Store]:
    def make(hub: Hub | None, stopped: Event | None = None, **environment: str) -> Store:
        kept = {name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ}
        where = {"HF_ENDPOINT": hub.origin, "GREENLOOP_ENDPOINTS": hub.origin} if hub else {}
        return Store(tmp_path / "models", {**kept, "HOME": str(tmp_path), **where, **environment}, stopped or Event())

    return make


def take(store: Store, revision: str = "") -> tuple[Looked, Path, list[str]]:
    looked = store.look(REPOSITORY, revision)
    said: list[str] = []
    files = chosen(REPOSITORY, looked.files, gguf=False, quantization="16-bit")
    return looked, store.fetch(looked, files, said.append), said


def fault(what: Callable[[], object]) -> str:
    with pytest.raises(Fault) as error:
        what()
    return str(error.value)


def test_a_revision_is_fetched_by_its_commit_without_what_could_run(store: Callable[..., Store]) -> None:
    with Hub(FILES) as hub:
        looked, folder, _ = take(store(hub, HF_TOKEN="hf_mine"), "main")
        again = take(store(hub, HF_TOKEN="hf_mine"), COMMIT)
        transfers = [path for path, _, _ in hub.requests if "/resolve/" in path]
        keys = {key for _, _, key in hub.requests}
    assert (looked.commit, looked.config) == (COMMIT, {"hidden_size": 64})
    assert sorted(p.name for p in folder.iterdir() if not p.name.startswith(".")) == sorted(WANTED)
    assert (folder / "model.safetensors").read_bytes() == TENSORS
    assert again[1] == folder
    assert transfers.count(f"/{REPOSITORY}/resolve/{COMMIT}/model.safetensors") == 1  # the second job shares it
    assert not any(path.endswith((".bin", ".py")) for path in transfers)
    assert keys == {"Bearer hf_mine"}


def test_a_download_that_was_killed_goes_on_where_it_was(store: Callable[..., Store], tmp_path: Path) -> None:
    stopped, large = Event(), TENSORS + bytes(2 * BLOCK)
    with Hub({**FILES, "model.safetensors": large}, breaks={"model.safetensors": BLOCK + 100_000}) as hub:

        def stop() -> None:
            hub.stalled.wait(60)
            while not any(path.stat().st_size for path in tmp_path.rglob(f"*{PART}")):
                sleep(0.01)
            stopped.set()

        beside = threading.Thread(target=stop)
        beside.start()
        assert "The download was stopped" in fault(lambda: take(store(hub, stopped)))
        beside.join()
        (part,) = (tmp_path / "models").rglob(f"*{PART}")
        here = part.stat().st_size
        _, folder, said = take(store(hub))
        assert hub.ranges("model.safetensors") == ["", f"bytes={here}-"]
    assert 0 < here < len(large)
    assert (folder / "model.safetensors").read_bytes() == large
    assert said[-1].startswith("fetching")


@pytest.fixture
def direct(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Hub], str]:
    """What the program of the hub says is wrong, without a process for it."""

    def fetch(served: Hub) -> str:
        monkeypatch.setenv("HF_ENDPOINT", served.origin)
        found = look(REPOSITORY, "")
        files = [f for f in found["files"] if f["name"] == "model.safetensors"]
        with pytest.raises(Told) as error:
            hub_fetch(REPOSITORY, found["commit"], files, str(tmp_path / COMMIT))
        return str(error.value)

    return fetch


def test_damaged_weights_are_removed(direct: Callable[[Hub], str], tmp_path: Path) -> None:
    with Hub(FILES, lies={"model.safetensors": TENSORS[:-1] + b"x"}) as hub:
        said = direct(hub)
    assert said.startswith("model.safetensors arrived damaged: its hash is ")
    assert not any(path.name.startswith("model.safetensors") for path in tmp_path.rglob("*"))


def test_a_damaged_text_is_removed_as_well(store: Callable[..., Store]) -> None:
    with Hub(FILES, lies={"tokenizer.json": b"[]"}) as hub:
        assert fault(lambda: take(store(hub))).startswith("tokenizer.json arrived damaged: its hash is ")


def test_what_only_calls_itself_safetensors_is_removed(direct: Callable[[Hub], str]) -> None:
    with Hub({**FILES, "model.safetensors": b"\x80\x04\x95 a pickle in disguise"}) as hub:
        assert "is not what its name says" in direct(hub)


def test_a_full_disk_is_known_before(direct: Callable[[Hub], str], tmp_path: Path) -> None:
    with Hub(FILES, sizes={"model.safetensors": 1 << 60}) as hub:
        said = direct(hub)
        assert not hub.ranges("model.safetensors")
    assert said.startswith(f"The disk of {tmp_path}/{COMMIT} has ")
    assert said.endswith("Nothing was fetched.")


def test_a_disk_that_runs_full_meanwhile(direct: Callable[[Hub], str], monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("huggingface_hub.file_download.http_get", full)
    with Hub({name: data for name, data in FILES.items() if name != "config.json"}) as hub:
        assert "ran full at model.safetensors; what was fetched stays" in direct(hub)


@pytest.mark.parametrize(
    ("repository", "revision", "gated", "expected"),
    [
        (REPOSITORY, "v9", False, "org/tiny has no revision 'v9'."),
        ("org/other", "", False, "org/other is not there, or only for some people: set HF_TOKEN"),
        (REPOSITORY, "", True, "org/tiny asks for its licence to be accepted."),
    ],
)
def test_what_the_hub_does_not_give(
    monkeypatch: pytest.MonkeyPatch, repository: str, revision: str, gated: bool, expected: str
) -> None:
    with Hub(FILES, gated=gated) as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.origin)
        with pytest.raises(Told) as error:
            look(repository, revision)
    assert str(error.value).startswith(expected)


def test_a_hub_out_of_reach(store: Callable[..., Store]) -> None:
    with Hub(FILES) as hub:
        gone = store(hub)
    assert fault(lambda: gone.look(REPOSITORY, "")).startswith(f"The hub at {hub.origin} cannot be reached: ")


def test_a_hub_that_is_busy_is_asked_again(store: Callable[..., Store]) -> None:
    """By the list and by each file, from where the file is, and without waiting longer than it says."""
    now, reset = {"Retry_After": "0"}, {"RateLimit": '"api";r=0;t=0'}
    busy = [("/api/", 503, now), ("/api/", 429, now), ("config.json", 429, reset), ("model.safetensors", 502, now)]
    with Hub(FILES, busy=busy) as hub:
        _, folder, _ = take(store(hub))
        assert hub.ranges("model.safetensors") == ["", ""]
    assert (folder / "model.safetensors").read_bytes() == TENSORS


@pytest.mark.parametrize(
    ("busy", "said", "asked"),
    [
        (
            (429, {"Retry_After": "3600"}),
            "limits our requests (429) and wants us to wait 3600 s. What arrived stays;",
            1,
        ),
        (
            (503, {"Retry_After": "0"}),
            "is in trouble (503). What arrived stays; the next attempt goes on from there.",
            5,
        ),
    ],
)
def test_a_hub_that_stays_busy_is_left(
    direct: Callable[[Hub], str], busy: tuple[int, Mapping[str, str]], said: str, asked: int
) -> None:
    with Hub(FILES, busy=[("model.safetensors", *busy)] * 9) as hub:
        assert direct(hub).startswith(f"The hub at {hub.origin} {said}")
        assert len(hub.ranges("model.safetensors")) == asked


def test_what_is_here_is_not_written_again(store: Callable[..., Store], tmp_path: Path) -> None:
    """A cache that somebody has filled may be one that others can only read."""
    with Hub(FILES) as hub:
        take(store(hub), "main")
        before = {path: path.stat().st_mtime_ns for path in (tmp_path / "models").rglob("*")}
        take(store(hub), "main")
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "models").rglob("*")} == before


def test_offline_is_what_is_here_and_nothing_else(store: Callable[..., Store]) -> None:
    off = {"GREENLOOP_OFFLINE": "1"}
    with Hub(FILES) as hub:
        assert "GREENLOOP_OFFLINE forbids to fetch it" in fault(lambda: store(hub, **off).look(REPOSITORY, ""))
        take(store(hub))
        before = len(hub.requests)
        _, folder, _ = take(store(hub, **off))
        assert len(hub.requests) == before
        (folder / MARK).write_text("{}")  # nobody vouches for the file any more
        assert "forbids to fetch it" in fault(lambda: take(store(hub, **off)))


def names(*found: str, size: int = 1) -> list[Listed]:
    return [Listed(name=name, size=size) for name in found]


def picked(files: list[Listed], **how: object) -> list[str]:
    given: Mapping[str, object] = {"gguf": False, "quantization": "16-bit", **how}
    return [f.name for f in chosen("a/b", files, **given)]  # type: ignore[arg-type]


def test_pickles_are_refused_by_name() -> None:
    with pytest.raises(NoWeights, match=r"as pickles only \(pytorch_model\.bin\), and a pickle can run any program"):
        picked(names("pytorch_model.bin", "config.json"))
    with pytest.raises(NoWeights, match=r"neither safetensors nor GGUF; it has README\.md"):
        picked(names("README.md"))


def test_no_name_leads_out_of_the_folder() -> None:
    files = names("../model.safetensors", "/model.gguf", "a/../../b.gguf", "good.gguf")
    assert picked(files, gguf=True, quantization="Q4_K_M") == ["good.gguf"]
    with pytest.raises(NoWeights):
        picked(files)


def test_one_quantization_of_many_and_all_its_parts() -> None:
    files = names("m-Q4_K_M.gguf", "m-Q8_0.gguf", "m-q4_0.gguf", "mmproj-Q4_K_M.gguf", "config.json")
    assert picked(files, gguf=True, quantization="Q4_K_M") == ["m-Q4_K_M.gguf", "config.json"]
    assert picked(files, gguf=True, quantization="Q8_0") == ["m-Q8_0.gguf", "config.json"]
    assert picked(files[1:3], gguf=True, quantization="Q4_K_M") == ["m-q4_0.gguf"]
    parts = names("m-q4_k_m-00001-of-00002.gguf", "m-q4_k_m-00002-of-00002.gguf", "m-q4_k_m-imat.gguf")
    assert picked(parts, gguf=True, quantization="Q4_K_M") == [f.name for f in parts[:2]]


def test_mistral_publishes_the_same_weights_twice() -> None:
    files = names("consolidated.safetensors", "model-00001-of-00001.safetensors", "tekken.json", "params.json")
    assert picked(files, mistral=True)[0] == "consolidated.safetensors"
    assert picked(files)[0] == "model-00001-of-00001.safetensors"
