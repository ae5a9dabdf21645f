"""The programs that serve a model, behind one port: how each is called, and whether it is here. None of them may run
code that lies beside the weights (`trust_remote_code` stays off), none asks the network."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from greenloop.model.local.plan import Plan
from greenloop.model.local.sizing import LLAMA, TRANSFORMERS, VLLM

# as modules: the scripts of a system's Python lie elsewhere than it does, in vLLM's own image for one
_MODULES = {
    VLLM: "vllm.entrypoints.cli.main",
    TRANSFORMERS: "transformers.cli.transformers",
    LLAMA: "llama_cpp.server",
}
PYTHON = "GREENLOOP_LOCAL_PYTHON"  # interpreters that have engines, with a colon between them; default: our own
_QUIET = {
    "HF_HUB_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "VLLM_NO_USAGE_STATS": "1",
    "DO_NOT_TRACK": "1",
    "TOKENIZERS_PARALLELISM": "false",
    "PYTHONUNBUFFERED": "1",
}
_BITSANDBYTES = {"nf4": "bnb-4bit", "int8": "bnb-8bit"}
# what has to be importable for each; the second word of llama.cpp's is what its server needs
_PARTS = {VLLM: ("vllm",), TRANSFORMERS: ("transformers", "torch", "uvicorn"), LLAMA: ("llama_cpp", "uvicorn")}
_FIND = "import sys, importlib.util as u; print(*[n for n in sys.argv[1:] if u.find_spec(n)])"
_SECONDS = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """`model` is what the engine calls it; `health` the path that answers 200 when it is ready."""

    argv: tuple[str, ...]
    environment: Mapping[str, str]
    model: str
    health: str


def interpreters(environment: Mapping[str, str]) -> tuple[Path, ...]:
    named = [Path(part) for part in environment.get(PYTHON, "").split(":") if part]
    return (*named, Path(sys.executable))


def installed(environment: Mapping[str, str], surroundings: Mapping[str, str]) -> dict[str, Path]:
    """Each engine that is here, with the first interpreter that has it. Imports none."""
    found: dict[str, Path] = {}
    names = sorted({name for parts in _PARTS.values() for name in parts})
    for python in interpreters(environment):
        has = _has(python, names, surroundings)
        for engine, parts in _PARTS.items():
            if has.issuperset(parts):
                found.setdefault(engine, python)
    return found


def _has(python: Path, names: list[str], surroundings: Mapping[str, str]) -> set[str]:
    argv = [str(python), "-c", _FIND, *names]
    try:
        done = subprocess.run(
            argv, env=dict(surroundings), cwd="/", capture_output=True, text=True, timeout=_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired):  # an interpreter that does not start has none
        return set()
    return set(done.stdout.split())


def command(plan: Plan, weights: Path, python: Path, *, port: int, key: str) -> Command:
    """`weights` is the folder, or the GGUF file. The key goes by the environment: everybody can see arguments."""
    where = ("--host", "127.0.0.1", "--port", str(port))
    module = (str(python), "-m", _MODULES[plan.engine])
    if plan.engine == VLLM:
        return Command(
            argv=(*module, "serve", str(weights), *where, *_vllm(plan)),
            environment={**_QUIET, "VLLM_API_KEY": key},
            model=plan.model.name,
            health="/health",
        )
    if plan.engine == TRANSFORMERS:
        kind = _BITSANDBYTES.get(plan.quantization)
        quantized = ("--quantization", kind) if kind else ()
        return Command(
            argv=(*module, "serve", str(weights), *where, "--dtype", plan.dtype, *quantized),
            environment=_QUIET,
            model=str(weights),
            health="/health",
        )
    alias = ("--model_alias", plan.model.name, "--n_ctx", str(plan.context))
    return Command(
        argv=(*module, "--model", str(weights), *where, *alias),
        environment={**_QUIET, "API_KEY": key},
        model=plan.model.name,
        health="/v1/models",
    )


def _vllm(plan: Plan) -> tuple[str, ...]:
    fp8 = ("--quantization", "fp8") if plan.quantization == "fp8" else ()
    return (
        *("--served-model-name", plan.model.name),
        *("--max-model-len", str(plan.context)),
        *("--dtype", plan.dtype),
        *("--gpu-memory-utilization", str(plan.share)),
        *("--tensor-parallel-size", str(plan.gpus)),
        *fp8,
        *plan.model.arguments,
    )
