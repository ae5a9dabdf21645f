"""A model that greenloop serves itself, from start to end, with scripted engines and every way in which one fails."""

from __future__ import annotations

import errno
import json
import os
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event
from time import sleep
from types import MappingProxyType

import pytest

from fakes.engine import Engines, gguf, gone
from fakes.hub import COMMIT, REPOSITORY, Hub
from fakes.model_server import ModelServer
from greenloop.errors import GreenloopError, Misconfigured
from greenloop.model import open_model
from greenloop.model.faults import Fault
from greenloop.model.local import keeper
from greenloop.model.local.engines import Command, installed
from greenloop.model.local.facts import GIB, Machine, machines
from greenloop.model.local.kept import surroundings
from greenloop.model.local.server import Server, Words
from greenloop.model.local.serving import Serving
from greenloop.ports import CallLimits, ChatMessage, Model, Progress, Reply
from greenloop.settings import Settings

CHAT = (ChatMessage(role="user", text="Say hello."),)
LARGE = Machine(memory=64 * GIB)
SHAPE = {"num_hidden_layers": 2, "num_attention_heads": 4, "hidden_size": 64, "vocab_size": 99}
WEIGHTS = {
    "config.json": json.dumps({**SHAPE, "max_position_embeddings": 65536}).encode(),
    "model.safetensors": b"\x02\0\0\0\0\0\0\0{}",
    "tokenizer_config.json": b"{}",
}


@dataclass
class Stage:
    engines: Engines
    folder: Path
    said: list[Progress] = field(default_factory=list)

    @contextmanager
    def model(
        self, machine: Machine = LARGE, more: Mapping[str, str] = MappingProxyType({}), **settings: object
    ) -> Iterator[Model]:
        kept = {name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ}
        environment = {**kept, "GREENLOOP_API_KEY": "a-key-of-mine", **self.engines.environment, **more}
        path = gguf(self.folder / "tiny.gguf")
        asked = Settings(**{"model": f"local/{path}", **settings})  # type: ignore[arg-type]
        with Serving(self.folder / "cache", environment, progress=self.said.append, machine=lambda: machine) as serving:
            yield open_model(asked, environment=environment, serving=serving)

    def ended(self) -> bool:
        return all(gone(process) for process in self.engines.processes)


@pytest.fixture
def stage(tmp_path: Path) -> Callable[..., Stage]:
    return lambda **script: Stage(Engines(tmp_path / "engines", **script), tmp_path)


def ask(model: Model, seconds: float = 60.0) -> Reply:
    limits = CallLimits(max_output=50, seconds=seconds, more=lambda _: 50)
    return model.complete(CHAT, limits=limits, on_chunk=lambda _: None)


def refused(model: Model) -> str:
    with pytest.raises(GreenloopError) as error:
        ask(model)
    return str(error.value)


def test_it_is_loaded_asked_and_ended_with_all_that_it_started(stage: Callable[..., Stage]) -> None:
    it = stage(starts=("family",), answers=("Hello.", "Again."))
    with it.model() as model:
        model.warm()
        first, second = ask(model), ask(model)
        assert (first.text, second.text, first.usage.cost) == ("Hello.", "Again.", 0.0)
        assert first.model == f"local/{it.folder / 'tiny.gguf'}"
        assert not any(gone(process, 0) for process in it.engines.processes)
    assert it.ended()
    assert len(it.engines.lines("starts")) == 1
    assert {event.phase for event in it.said} == {"loading"}
    assert it.said[-1].detail.startswith(f"local/{it.folder / 'tiny.gguf'} by llama.cpp, as it is: it needs ")


def test_the_engine_gets_a_key_of_its_own_and_none_of_ours(stage: Callable[..., Stage]) -> None:
    it = stage()
    with it.model() as model:
        ask(model)
    (start,) = it.engines.lines("starts")
    assert len(start["key"]) >= 32
    assert start["key"] not in " ".join(start["argv"])
    assert "GREENLOOP_API_KEY" not in start["environment"]
    assert start["argv"][start["argv"].index("--host") + 1] == "127.0.0.1"
    assert start["argv"][start["argv"].index("--n_ctx") + 1] == "32192"


def test_vllm_and_transformers_are_called_as_planned(stage: Callable[..., Stage], tmp_path: Path) -> None:
    it = stage()
    folder = tmp_path / "weights"
    folder.mkdir()
    for name, data in WEIGHTS.items():
        (folder / name).write_bytes(data)
    for machine in (machines()["h200"], LARGE):
        with it.model(machine, model=f"local/{folder}") as model:
            ask(model)
    vllm, transformers = (line["argv"] for line in it.engines.lines("starts"))
    assert vllm[:2] == ["serve", str(folder)]
    assert " ".join(vllm[6:]) == (
        "--served-model-name weights --max-model-len 32192 --dtype bfloat16 --gpu-memory-utilization 0.91 "
        "--tensor-parallel-size 1"
    )
    assert transformers[:2] + transformers[6:] == ["serve", str(folder), "--dtype", "auto"]
    assert [line["body"]["model"] for line in it.engines.lines("asked")] == ["weights", str(folder)]


def test_an_interpreter_may_be_named_as_a_program_of_the_path(stage: Callable[..., Stage]) -> None:
    """So it is in our GPU image, whose base says what `python3` is there."""
    it = stage()
    around = {"PATH": f"{it.engines.folder}{os.pathsep}{os.environ['PATH']}"}
    found = installed({"GREENLOOP_LOCAL_PYTHON": "python"}, around)
    assert found == dict.fromkeys(("vllm", "transformers", "llama_cpp"), Path("python"))


def test_out_of_memory_at_load(stage: Callable[..., Stage]) -> None:
    it = stage(starts=("memory",))
    with it.model() as model:
        said = refused(model)
    assert said.startswith("llama.cpp ran out of memory while it loaded local/")
    assert "Tried to allocate 2.00 GiB" in said
    assert it.ended()


def test_an_engine_that_ends_says_why_without_its_key(stage: Callable[..., Stage]) -> None:
    it = stage(starts=("missing",))
    with it.model() as model:
        said = refused(model)
    (start,) = it.engines.lines("starts")
    assert "llama.cpp ended with 3 instead of serving" in said
    assert "no kernel for (this) GPU, with ***" in said
    assert start["key"] not in said


def test_one_that_loads_and_cannot_answer_says_what_it_said(stage: Callable[..., Stage]) -> None:
    """A chat template that fails, a kernel that is missing: it is seen with the first question, and not before."""
    it = stage(starts=("unasked",))
    with it.model() as model:
        said = refused(model)
    assert said.startswith("llama.cpp has loaded local/")
    assert "did not answer a first question of two words: " in said
    assert "It said last:\n  jinja2.exceptions.TemplateError: only one user" in said
    assert it.ended()


def test_one_that_loads_and_never_answers_is_told_by_its_own_deadline(stage: Callable[..., Stage]) -> None:
    """Not by `max_minutes`, which is for answers."""
    it = stage()

    def make(port: int, _: str) -> Command:
        argv = (str(it.engines.folder / "python"), "-m", "llama_cpp.server", "--port", str(port))
        return Command(argv=argv, environment={}, model="tiny", health="/v1/models")

    def warm(_: float) -> None:
        raise Fault("'tiny' took too long. Raise `max_minutes`.", cause="late")

    server = Server(
        make,
        words=Words(engine="llama.cpp", model="tiny", need="1 GiB"),
        environment=surroundings(os.environ),
        log=it.folder / "log",
        seconds=600.0,
        stopped=Event(),
        tell=lambda _: None,
    )
    with pytest.raises(Fault) as error:
        server.start(warm)
    assert str(error.value) == (
        "llama.cpp has loaded tiny and gave no answer to a first question of two words within 600 s (`load_minutes`). "
        "It said last:\n  (nothing)"
    )
    assert it.ended()


def test_an_engine_that_writes_without_end_fills_no_disk(
    stage: Callable[..., Stage], monkeypatch: pytest.MonkeyPatch
) -> None:
    it = stage(starts=("chatter",), answers=("Hello.",))
    monkeypatch.setattr("tempfile.tempdir", str(it.folder))
    with it.model() as model:
        assert ask(model).text == "Hello."
        while not it.engines.lines("chattered"):
            sleep(0.01)
        (log,) = it.folder.glob("greenloop-model-*/engine.log")
        assert log.stat().st_size <= keeper.MOST + (1 << 16)
    assert it.ended()


def test_a_port_that_is_taken_is_exchanged_for_another(stage: Callable[..., Stage]) -> None:
    it = stage(starts=("taken", "taken", "well"), answers=("Hello.",))
    with it.model() as model:
        assert ask(model).text == "Hello."
    ports = [line["argv"][line["argv"].index("--port") + 1] for line in it.engines.lines("starts")]
    assert len(set(ports)) == 3
    never = Stage(Engines(it.folder / "more", starts=("taken",)), it.folder)
    with never.model() as model:
        assert refused(model) == "Three ports in a row were taken by others when llama.cpp began to listen."


def test_a_stranger_on_the_port_is_asked_nothing(stage: Callable[..., Stage], monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody who listens where our engine was to, and would answer, gets neither question nor key."""
    it = stage(starts=("never",))
    with ModelServer() as stranger:
        port = int(stranger.origin.rpartition(":")[2])
        monkeypatch.setattr("greenloop.model.local.server.free_port", lambda: port)
        with it.model(load_minutes=0.01) as model:
            said = refused(model)
        assert stranger.requests == []
    assert "llama.cpp did not serve" in said
    assert it.ended()


def test_a_deadline_for_loading(stage: Callable[..., Stage]) -> None:
    it = stage(starts=("never",))
    with it.model(load_minutes=0.005) as model:
        assert "within 0 s (`load_minutes`)" in refused(model)
    assert it.ended()


def test_an_answer_that_dies_in_the_middle_is_continued_by_a_new_server(stage: Callable[..., Stage]) -> None:
    it = stage(answers=({"text": "Hel", "die": True}, "lo."))
    with it.model() as model:
        assert ask(model).text == "Hello."
    assert len(it.engines.lines("starts")) == 2
    assert it.ended()


def test_a_server_that_was_killed_is_started_again_but_not_for_ever(stage: Callable[..., Stage]) -> None:
    it = stage(answers=({"text": "", "die": True}, "Hello.", {"text": "", "die": True}))
    with it.model() as model:
        assert ask(model).text == "Hello."
        said = refused(model)
    assert said.startswith("llama.cpp was killed, as happens where memory runs out, while it served local/")
    assert said.endswith("It was started 3 times in this run, which is enough.")
    assert len(it.engines.lines("starts")) == 3
    assert it.ended()


@pytest.mark.parametrize(
    "script",
    [{"starts": ("memory",)}, {"starts": ("taken",)}, {"answers": ({"text": "", "die": True},)}],
    ids=["out of memory", "port taken", "killed each time"],
)
def test_another_model_stands_in_for_one_that_cannot_be_had(
    stage: Callable[..., Stage], script: dict[str, object]
) -> None:
    it = stage(**script)
    with (
        ModelServer(["From elsewhere."]) as server,
        it.model(fallback_models=("spare",), api_base="", providers={"spare": _row(server.api_base)}) as model,
    ):
        assert ask(model).text == "From elsewhere."
    assert it.ended()


def _row(api_base: str) -> object:
    from greenloop.setting_values import ProviderRow  # noqa: PLC0415 - one test

    return ProviderRow(model="m", api_base=api_base)


@pytest.mark.parametrize("fault", ["damaged", "endless", "no such commit", "out of reach"])
def test_another_model_stands_in_for_one_whose_weights_do_not_come(stage: Callable[..., Stage], fault: str) -> None:
    it = stage()
    lies = {"model.safetensors": b"\x02\0\0\0\0\0\0\0[]"} if fault == "damaged" else {}
    endless = ("model.safetensors",) if fault == "endless" else ()
    model = f"local/{REPOSITORY}@{('b' * 40) if fault == 'no such commit' else COMMIT}"
    with ModelServer(["From elsewhere."]) as server, Hub(WEIGHTS, lies=lies, endless=endless) as hub:
        where = {"HF_ENDPOINT": "http://127.0.0.1:9" if fault == "out of reach" else hub.origin}
        rows = {"spare": _row(server.api_base)}
        with it.model(model=model, more=where, fallback_models=("spare",), providers=rows) as chain:
            assert ask(chain).text == "From elsewhere."
    assert it.engines.lines("starts") == []
    assert list(it.folder.rglob("model.safetensors")) == []


def test_time_for_loading_is_not_taken_from_the_answer(stage: Callable[..., Stage]) -> None:
    """A call may take a second; what stands in for a model that took longer to fail gets that second still."""
    it = stage(starts=("never",))
    with (
        ModelServer(["In time."]) as server,
        it.model(fallback_models=("spare",), providers={"spare": _row(server.api_base)}, load_minutes=0.1) as model,
    ):
        assert ask(model, seconds=5.0).text == "In time."


def test_nothing_is_started_where_nothing_is_asked(stage: Callable[..., Stage]) -> None:
    it = stage()
    with it.model() as model:
        assert (model.price is not None, model.name.startswith("local/")) == (True, True)
    assert it.engines.lines("starts") == []


def test_leaving_while_it_loads_ends_it(stage: Callable[..., Stage]) -> None:
    it = stage(starts=("never",))
    with it.model() as model:
        model.warm()
        while not it.engines.lines("starts"):
            sleep(0.01)
    assert it.ended()


@pytest.mark.parametrize(
    ("index", "said"),
    [
        ({"weight_map": {"a": "model.safetensors", "b": "../../other/secret.safetensors"}}, "'../../other/secret.safe"),
        ({"weight_map": {"a": "pytorch_model.bin"}}, "lies in 'pytorch_model.bin': it has to be a safetensors file"),
        ({"weight_map": {"a": ["model.safetensors"]}}, "model.safetensors.index.json is no list of the parts"),
        ([], "model.safetensors.index.json is no list of the parts"),
    ],
)
def test_an_index_of_weights_leads_to_nothing_else(stage: Callable[..., Stage], index: object, said: str) -> None:
    """An engine opens what the index names, wherever that lies and whatever it is."""
    it = stage()
    files = {**WEIGHTS, "model.safetensors.index.json": json.dumps(index).encode()}
    with Hub(files) as hub, it.model(model=f"local/{REPOSITORY}@{COMMIT}", more={"HF_ENDPOINT": hub.origin}) as model:
        assert said in refused(model)
    folder = it.folder / "weights"
    folder.mkdir()
    for name, data in files.items():
        (folder / name).write_bytes(data)
    with it.model(model=f"local/{folder}") as model:
        assert said in refused(model)
    assert it.engines.lines("starts") == []


def test_without_an_engine_or_weights_it_is_said(stage: Callable[..., Stage], tmp_path: Path) -> None:
    it = stage()
    with it.model(model=f"local/{tmp_path}/nothing") as model:
        assert refused(model).endswith("there is no such folder or GGUF file.")
    (tmp_path / "bad.gguf").write_bytes(b"GGUF\xff\xff")
    with it.model(model=f"local/{tmp_path}/bad.gguf") as model:
        assert "cannot be read as GGUF" in refused(model)
    (tmp_path / "odd").mkdir()
    (tmp_path / "odd/a.safetensors").write_bytes(WEIGHTS["model.safetensors"])
    for config in ("[]", "[" * 100_000, "\xff"):
        (tmp_path / "odd/config.json").write_text(config, "latin-1")
        with it.model(model=f"local/{tmp_path}/odd") as model:
            assert "does not say `num_attention_heads`" in refused(model)
    base = gguf(tmp_path / "base.gguf", template="")
    with it.model(model=f"local/{base}") as model:
        assert "is a base model" in refused(model)
    (it.engines.folder / "python").unlink()
    with it.model() as model:
        assert refused(model).startswith("No engine is installed that could serve local/")


def test_no_room_for_what_a_server_needs(stage: Callable[..., Stage], monkeypatch: pytest.MonkeyPatch) -> None:
    def full(**_: object) -> str:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("greenloop.model.local.served.mkdtemp", full)
    with stage().model() as model:
        assert refused(model) == "The model server cannot be started: [Errno 28] No space left on device."


def test_it_is_opened_by_a_run_alone() -> None:
    with pytest.raises(Misconfigured, match="is served by a run"):
        ask(open_model(Settings(model="local/a/b")))
    with pytest.raises(Misconfigured, match="cannot be served from here"):
        open_model(Settings(model="local/a"))


def test_a_free_port_is_free() -> None:
    from greenloop.model.local.server import free_port  # noqa: PLC0415 - one test

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", free_port()))


def test_a_row_says_how_long_a_prompt_may_be_and_what_to_ask_for() -> None:
    star = open_model(Settings(model="local/bigcode/starcoder2-15b-instruct-v0.1")).fit
    coder = open_model(Settings(model="local/Qwen/Qwen3-Coder-30B-A3B-Instruct", max_output=4096)).fit
    other = open_model(Settings(model="local/some/body", edit_format="diff")).fit
    assert [(f.edit_format, f.room, f.output) for f in (star, coder, other)] == [
        ("whole", 8192, 8192),
        ("search", 24000, 4096),
        ("diff", 24000, 8192),
    ]
