"""How a model is to be served: seven machines by four models, and each rule of the choice."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

import program
from fakes.engine import gguf
from fakes.hub import REPOSITORY, Hub
from greenloop.errors import Misconfigured
from greenloop.model.local.facts import GIB, Gpu, Machine, Model, known, machines, models
from greenloop.model.local.names import Named, named
from greenloop.model.local.plan import NAMES, Plan, Refusal, decide, size

SHAPE = {
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "hidden_size": 64,
    "vocab_size": 99,
    "max_position_embeddings": 65536,
}
WANTED = 32192  # tokens: the settings' own `context_tokens` and `max_output`
MODELS = (
    "Qwen/Qwen2.5-Coder-7B-Instruct",
    "Qwen/Qwen2.5-Coder-32B-Instruct",
    "Qwen/Qwen3-Coder-30B-A3B-Instruct",
    "mistralai/Devstral-Small-2507",
)
SNAPSHOT = """\
cpu-8gb    Qwen2.5-Coder-7B-Instruct     no; Qwen/Qwen2.5-Coder-3B-Instruct would
cpu-8gb    Qwen2.5-Coder-32B-Instruct    no; Qwen/Qwen2.5-Coder-3B-Instruct would
cpu-8gb    Qwen3-Coder-30B-A3B-Instruct  no
cpu-8gb    Devstral-Small-2507           no
cpu-32gb   Qwen2.5-Coder-7B-Instruct     llama_cpp Q4_K_M 6.6 of 28.0 GiB
cpu-32gb   Qwen2.5-Coder-32B-Instruct    llama_cpp Q4_K_M 27.0 of 28.0 GiB
cpu-32gb   Qwen3-Coder-30B-A3B-Instruct  llama_cpp Q4_K_M 20.8 of 28.0 GiB
cpu-32gb   Devstral-Small-2507           llama_cpp Q4_K_M 18.8 of 28.0 GiB
t4         Qwen2.5-Coder-7B-Instruct     transformers nf4 float16 12.4 of 13.6 GiB
t4         Qwen2.5-Coder-32B-Instruct    llama_cpp Q4_K_M 27.0 of 28.0 GiB
t4         Qwen3-Coder-30B-A3B-Instruct  llama_cpp Q4_K_M 20.8 of 28.0 GiB
t4         Devstral-Small-2507           llama_cpp Q4_K_M 18.8 of 28.0 GiB
a10g       Qwen2.5-Coder-7B-Instruct     vllm 16-bit bfloat16 19.0 of 20.0 GiB
a10g       Qwen2.5-Coder-32B-Instruct    no; Qwen/Qwen2.5-Coder-7B-Instruct would
a10g       Qwen3-Coder-30B-A3B-Instruct  no
a10g       Devstral-Small-2507           no
rtx-4090   Qwen2.5-Coder-7B-Instruct     vllm 16-bit bfloat16 19.0 of 21.6 GiB
rtx-4090   Qwen2.5-Coder-32B-Instruct    llama_cpp Q4_K_M 27.0 of 59.0 GiB
rtx-4090   Qwen3-Coder-30B-A3B-Instruct  llama_cpp Q4_K_M 20.8 of 59.0 GiB
rtx-4090   Devstral-Small-2507           llama_cpp Q4_K_M 18.8 of 59.0 GiB
a100-80gb  Qwen2.5-Coder-7B-Instruct     vllm 16-bit bfloat16 19.0 of 72.8 GiB
a100-80gb  Qwen2.5-Coder-32B-Instruct    vllm 16-bit bfloat16 72.5 of 72.8 GiB
a100-80gb  Qwen3-Coder-30B-A3B-Instruct  vllm 16-bit bfloat16 62.2 of 72.8 GiB
a100-80gb  Devstral-Small-2507           vllm 16-bit bfloat16 52.6 of 72.8 GiB
h200       Qwen2.5-Coder-7B-Instruct     vllm 16-bit bfloat16 19.0 of 127.8 GiB
h200       Qwen2.5-Coder-32B-Instruct    vllm 16-bit bfloat16 72.5 of 127.8 GiB
h200       Qwen3-Coder-30B-A3B-Instruct  vllm 16-bit bfloat16 62.2 of 127.8 GiB
h200       Devstral-Small-2507           vllm 16-bit bfloat16 52.6 of 127.8 GiB
"""


def row(name: str) -> Model:
    found = known(name)
    assert found is not None
    return found


def line(machine: str, name: str) -> str:
    found = decide(row(name), machines()[machine], context=WANTED)
    head = f"{machine:10} {row(name).name:29} "
    if isinstance(found, Refusal):
        return head + ("no" + (f"; {found.instead} would" if found.instead else ""))
    kind = found.dtype if found.gpus else ""
    needs, room = size(found.need.all).split()[0], size(found.room)
    return head + " ".join(word for word in (found.engine, found.quantization, kind, f"{needs} of {room}") if word)


def test_seven_machines_by_four_models() -> None:
    assert "\n".join(line(machine, name) for machine in machines() for name in MODELS) + "\n" == SNAPSHOT


def cell(machine: str, name: str) -> str:
    found = decide(row(name), machines()[machine], context=WANTED)
    if isinstance(found, Refusal):
        return f"no; {found.instead.partition('/')[2]} would" if found.instead else "no"
    return f"{NAMES[found.engine]}, {found.quantization}, {size(found.need.all)} of {size(found.room)}"


def test_the_page_shows_the_same() -> None:
    head = ["| machine | " + " | ".join(row(name).name for name in MODELS) + " |", "|---" * (len(MODELS) + 1) + "|"]
    rows = [f"| {machine} | " + " | ".join(cell(machine, name) for name in MODELS) + " |" for machine in machines()]
    assert "\n".join([*head, *rows]) in (Path(__file__).parents[2] / "docs/local-models.md").read_text()


def test_what_fits_never_needs_more_than_there_is() -> None:
    for machine in machines().values():
        for model in models():
            for context in (8192, 16384):
                found = decide(model, machine, context=context)
                assert isinstance(found, Refusal) or found.need.all <= found.room


def gpu(**values: object) -> Gpu:
    return replace(machines()["rtx-4090"].gpus[0], **values)  # type: ignore[arg-type]


def planned(model: str, *gpus: Gpu, context: int = WANTED, memory: int = 0, **how: object) -> Plan | Refusal:
    return decide(row(model), Machine(memory=memory, gpus=gpus), context=context, **how)  # type: ignore[arg-type]


def test_what_is_free_counts_not_what_is_there() -> None:
    taken = planned(MODELS[0], gpu(free=14 * GIB))
    assert isinstance(taken, Plan)
    assert (taken.engine, taken.quantization) == ("transformers", "nf4")
    assert taken.passed[0] == "vLLM, 16-bit needs 19.0 GiB of 12.7 GiB"


def test_fp8_only_where_the_gpu_computes_with_it() -> None:
    large = {"total": 48 * GIB, "free": 47 * GIB}
    ada = planned(MODELS[3], gpu(**large))
    ampere = planned(MODELS[3], gpu(**large, capability=8.6))
    assert isinstance(ada, Plan)
    assert (ada.engine, ada.quantization) == ("vllm", "fp8")
    assert isinstance(ampere, Plan)
    assert (ampere.engine, ampere.quantization, ampere.dtype) == ("transformers", "int8", "bfloat16")


def test_an_old_gpu_gets_no_vllm() -> None:
    found = planned(MODELS[0], gpu(total=32 * GIB, free=32 * GIB, capability=7.0, name="Tesla V100"))
    assert isinstance(found, Plan)
    assert (found.engine, found.dtype) == ("transformers", "float16")
    assert found.passed[0] == "vLLM needs CUDA 7.5 or newer, Tesla V100 has 7.0"


def test_several_gpus_of_one_kind_are_taken_together() -> None:
    found = planned(MODELS[1], *[gpu(total=48 * GIB, free=47 * GIB, capability=8.6)] * 3)
    assert isinstance(found, Plan)
    assert (found.engine, found.gpus, found.quantization) == ("vllm", 2, "16-bit")


def test_experts_are_not_left_to_bitsandbytes() -> None:
    found = planned(MODELS[2], gpu(), memory=8 * GIB)
    assert isinstance(found, Refusal)
    assert "bitsandbytes does not quantize experts" in found.passed


def test_a_refusal_says_what_would_do() -> None:
    found = planned(MODELS[1], gpu(), memory=0)
    assert isinstance(found, Refusal)
    assert found.instead == "Qwen/Qwen2.5-Coder-14B-Instruct"
    assert str(found).endswith("The largest Qwen2.5-Coder that does: local/Qwen/Qwen2.5-Coder-14B-Instruct.")
    shorter = planned(MODELS[3], gpu(), memory=0)
    assert isinstance(shorter, Refusal)
    assert shorter.shorter == 16384


def test_a_base_model_and_a_short_context_are_refused() -> None:
    base = planned("bigcode/starcoder2-7b", gpu(), context=8192)
    assert "is a base model" in str(base)
    short = planned("bigcode/starcoder2-15b-instruct-v0.1", gpu(total=80 * GIB, free=80 * GIB))
    assert isinstance(short, Refusal)
    assert short.shorter == 16384
    assert "has a context of 16384 tokens, and 32192 are asked for" in str(short)


def test_only_what_is_installed_is_chosen() -> None:
    found = planned(MODELS[0], *machines()["h200"].gpus, engines=("transformers",))
    assert isinstance(found, Plan)
    assert (found.engine, found.quantization, found.passed) == ("transformers", "int8", ("vLLM is not installed",))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("local/a/b", Named(hub="a/b")),
        ("local/a/b@main", Named(hub="a/b", revision="main")),
        ("local/./m", Named(path="./m")),
        ("local//m/x@y.gguf", Named(path="/m/x@y.gguf")),
    ],
)
def test_names(text: str, expected: Named) -> None:
    assert (named(text), str(named(text))) == (expected, text)


def test_names_that_are_none() -> None:
    tails = ("", "a", "a/b/c", "a/../b", "a/b@", "a/b@../x", "a/b@x y", "-a/b", "/a\x1b[m")
    for tail in tails:
        with pytest.raises(Misconfigured, match="cannot be served from here"):
            named(f"local/{tail}")


def test_only_a_commit_is_pinned() -> None:
    names = ("local/a/b", "local/a/b@main", f"local/a/b@{'a' * 40}", "local/./m")
    assert [named(name).pinned for name in names] == [False, False, True, True]


def test_the_command_says_choice_and_reason(tmp_path: Path) -> None:
    done = program.run("models", "plan", f"local/{MODELS[0]}", "--machine", "t4", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [
        "machine: Tesla T4 (14.7 GiB free, CUDA 7.5); 30.0 GiB of memory free",
        "choice: transformers, nf4, context of 32192 tokens",
        (
            "because: it needs 12.4 GiB of the 13.6 GiB that there are for it in the GPU: weights 5.4 GiB, "
            "cache 1.7 GiB for 32192 tokens, work 5.3 GiB"
        ),
        "not: vLLM, 16-bit needs 19.0 GiB of 13.5 GiB",
        "not: transformers, int8 needs 15.1 GiB of 13.6 GiB",
        "template: chatml, ends of turn <|im_end|> <|endoftext|>; asked for edits as: whole",
        "note: no commit is named, so the weights may be others tomorrow; write @<commit> behind the name.",
    ]
    code, said = program.run_json("models", "plan", f"local/{MODELS[1]}", "--machine", "cpu-8gb", cwd=tmp_path)
    assert (code, said["fits"], said["instead"]) == (8, False, "Qwen/Qwen2.5-Coder-3B-Instruct")
    wrong = program.run("models", "plan", f"local/{MODELS[1]}", "--machine", "toaster", cwd=tmp_path)
    assert (wrong.returncode, "There is no machine 'toaster'. There are: cpu-8gb, " in wrong.stderr) == (2, True)
    assert json.dumps(said)


def test_what_is_no_row_of_ours_is_looked_up(tmp_path: Path) -> None:
    config = json.dumps({**SHAPE, "num_experts": 8, "num_experts_per_tok": 2, "moe_intermediate_size": 128}).encode()
    weights = (2).to_bytes(8, "little") + b"{}" + bytes(1_000_000)
    with Hub({"config.json": config, "tokenizer_config.json": b"{}", "a.safetensors": weights}) as hub:
        where = {"HF_ENDPOINT": hub.origin}
        name = f"local/{REPOSITORY}"
        code, said = program.run_json("models", "plan", name, "--machine", "h200", cwd=tmp_path, **where)
        assert not hub.ranges("a.safetensors")
    assert (code, said["engine"], said["model"]["parameters"], said["model"]["experts"]) == (0, "vllm", 500_005, True)
    assert said["model"]["inner"] == 256
    gguf(tmp_path / "m.gguf")
    done = program.run("models", "plan", "local/./m.gguf", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "choice: llama.cpp, as it is, context of 32192 tokens" in done.stdout
    assert "note: llama.cpp is not installed here (pip install " in done.stdout
    nothing = program.run("models", "plan", "local/./nothing", cwd=tmp_path)
    assert (nothing.returncode, "there is no such folder or GGUF file" in nothing.stderr) == (8, True)


def test_a_commit_of_one_repository_is_none_of_another(tmp_path: Path) -> None:
    pinned = f"local/{MODELS[0]}@{'a' * 40}"
    done = program.run("models", "plan", pinned, "--machine", "cpu-32gb", cwd=tmp_path)
    assert done.returncode == 8
    gguf_name = "Qwen/Qwen2.5-Coder-7B-Instruct-GGUF"
    assert f"Name that one with a commit of its own: local/{gguf_name}@<commit>." in done.stdout
