"""Which engine serves a model on a machine, with which quantization, and why: facts in, a choice or a refusal out.

    vLLM           CUDA of 7.5 or newer: 16 bits, else FP8 where the GPU computes with it (8.9), on as many of the
                   GPUs as it takes
    transformers   one small GPU: bitsandbytes with 8 bits, else 4; not for experts, whose layers it leaves alone
    llama.cpp      the processor: GGUF with 4 bits, up to 4e9 parameters with 8
    transformers   the processor, where no GGUF of the model is known

The first that fits is taken.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from greenloop.model.local.facts import GIB, Gpu, Machine, Model, models
from greenloop.model.local.sizing import AS_IT_IS, LLAMA, TRANSFORMERS, VLLM, Need, need

VLLM_LEAST, BF16_LEAST, FP8_LEAST = 7.5, 8.0, 8.9
ENGINES = (VLLM, TRANSFORMERS, LLAMA)
NAMES = {VLLM: "vLLM", TRANSFORMERS: "transformers", LLAMA: "llama.cpp"}
_SHARE = 0.92  # of what is free on a GPU; the rest is for what other programs take meanwhile
KEPT = 2 * GIB  # of memory, for greenloop, git and the checks
_SMALL = 4_000_000_000  # parameters up to which 8 bits are affordable on a processor
_CONTEXTS = (16384, 8192)  # tried to say what would fit
NO_TEMPLATE = "{name} is a base model: it continues text and answers nobody. Take one that follows instructions."
SLOW = "The processor is slow: each token of an answer reads {weights} of weights."
ON_GPU = " With a context of {context} tokens the GPU would do ({engine}, {quantization})."
SHORT = "{name} has a context of {has} tokens, and {wanted} are asked for (`context_tokens` and `max_output` together)."


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is to be served, and how. `repository` differs from the model's where llama.cpp needs its own files."""

    model: Model
    repository: str
    engine: str
    quantization: str
    dtype: str
    context: int
    need: Need
    room: int
    gpus: int = 0
    share: float = 0.0  # of the GPU's memory, for vLLM
    passed: tuple[str, ...] = ()  # what was not chosen, and why
    note: str = ""

    @property
    def reason(self) -> str:
        where = f"{self.gpus} GPUs" if self.gpus > 1 else "the GPU" if self.gpus else "memory"
        needs = f"needs {size(self.need.all)} of the {size(self.room)} that there are for it in {where}"
        parts = f"weights {size(self.need.weights)}, cache {size(self.need.cache)} for {self.context} tokens"
        return f"{needs}: {parts}, work {size(self.need.work + self.need.fixed)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    model: Model
    context: int
    passed: tuple[str, ...]
    shorter: int = 0  # a context with which it would fit
    instead: str = ""  # the largest of its family that would

    def __str__(self) -> str:
        helps = [f"With a context of {self.shorter} tokens it would."] if self.shorter else []
        if self.instead:
            helps.append(f"The largest {self.model.family} that does: local/{self.instead}.")
        return f"{self.model.name} does not fit here. " + " ".join([*(f"{p}." for p in self.passed), *helps])


def decide(
    model: Model, machine: Machine, *, context: int, gguf: bool = False, engines: tuple[str, ...] = ENGINES
) -> Plan | Refusal:
    """`gguf`: the weights are llama.cpp's, so nothing else reads them. `engines` are those that are installed."""
    if not model.template:
        return Refusal(model=model, context=context, passed=(NO_TEMPLATE.format(name=model.name).rstrip("."),))
    if model.context < context:
        told = SHORT.format(name=model.name, has=model.context, wanted=context).rstrip(".")
        return Refusal(model=model, context=context, passed=(told,), shorter=model.context)
    passed: list[str] = []
    for tried in _tried(model, machine, context, gguf=gguf, engines=engines):
        if isinstance(tried, Plan):
            return replace(tried, passed=tuple(passed), note=_note(tried, machine, engines, gguf=gguf))
        passed.append(tried)
    shorter = next((c for c in _CONTEXTS if c < context and _fits(model, machine, c, gguf, engines)), 0)
    family = sorted((m for m in models() if m.family == model.family and m.family), key=lambda m: -m.parameters)
    smaller = [m for m in family if m.parameters < model.parameters and m.context >= context]
    instead = next((m for m in smaller if _fits(m, machine, context, gguf and bool(m.gguf), engines)), None)
    name = "" if instead is None else instead.gguf if gguf else instead.id
    return Refusal(model=model, context=context, passed=tuple(passed), shorter=shorter, instead=name)


def _note(plan: Plan, machine: Machine, engines: tuple[str, ...], *, gguf: bool) -> str:
    if plan.gpus:
        return ""
    slow = SLOW.format(weights=size(plan.need.weights))
    contexts = [c for c in _CONTEXTS if c < plan.context and machine.gpus and not gguf]
    closer = (p for c in contexts for p in _on_gpus(plan.model, machine, c, engines) if isinstance(p, Plan))
    better = next(closer, None)
    if better is None:
        return slow
    named = {"engine": NAMES[better.engine], "quantization": better.quantization}
    return slow + ON_GPU.format(context=better.context, **named)


def _fits(model: Model, machine: Machine, context: int, gguf: bool, engines: tuple[str, ...]) -> bool:
    tried = _tried(model, machine, context, gguf=gguf, engines=engines)
    return bool(model.template) and any(isinstance(found, Plan) for found in tried)


def _tried(
    model: Model, machine: Machine, context: int, *, gguf: bool, engines: tuple[str, ...]
) -> Iterator[Plan | str]:
    """Each way in turn: a plan, or why it is none."""
    if gguf:
        yield from ["GGUF is served by llama.cpp on the processor"] if machine.gpus else []
    elif machine.gpus:
        yield from _on_gpus(model, machine, context, engines)
    else:
        yield "there is no GPU"
    yield from _on_processor(model, machine, context, gguf=gguf, engines=engines)


def _on_gpus(model: Model, machine: Machine, context: int, engines: tuple[str, ...]) -> Iterator[Plan | str]:
    gpu = max(machine.gpus, key=lambda g: g.free)
    if VLLM not in engines:
        yield "vLLM is not installed"
    elif gpu.capability < VLLM_LEAST:
        yield f"vLLM needs CUDA {VLLM_LEAST} or newer, {gpu.name} has {gpu.capability}"
    else:
        same = [g for g in machine.gpus if g.name == gpu.name]
        counts = [n for n in (1, 2, 4, 8) if n <= len(same) and model.heads % n == 0]
        kinds = ["16-bit", "fp8"] if gpu.capability >= FP8_LEAST else ["16-bit"]
        yield from (_vllm(model, gpu, n, kind, context) for kind in kinds for n in counts)
    if model.experts:
        yield "bitsandbytes does not quantize experts"
    elif TRANSFORMERS not in engines:
        yield "transformers is not installed"
    else:
        yield from (_quantized(model, gpu, kind, context) for kind in ("int8", "nf4"))


def _vllm(model: Model, gpu: Gpu, count: int, kind: str, context: int) -> Plan | str:
    one = need(model, VLLM, kind, context=context)
    share = int(100 * _SHARE * gpu.free / gpu.total) / 100
    made = Plan(
        model=model,
        repository=model.id,
        engine=VLLM,
        quantization=kind,
        dtype=_dtype(gpu),
        context=context,
        need=Need(weights=one.weights, cache=one.cache, work=one.work * count, fixed=one.fixed * count),
        room=int(share * gpu.total) * count,
        gpus=count,
        share=share,
    )
    return _fitting(made, f"vLLM, {kind}" + (f", {count} GPUs" if count > 1 else ""))


def _quantized(model: Model, gpu: Gpu, kind: str, context: int) -> Plan | str:
    made = _one(model, TRANSFORMERS, kind, context, int(gpu.free * _SHARE))
    return _fitting(replace(made, dtype=_dtype(gpu), gpus=1), f"transformers, {kind}")


def _dtype(gpu: Gpu) -> str:
    return "bfloat16" if gpu.capability >= BF16_LEAST else "float16"


def _on_processor(
    model: Model, machine: Machine, context: int, *, gguf: bool, engines: tuple[str, ...]
) -> Iterator[Plan | str]:
    room = max(0, machine.memory - KEPT)
    if gguf or model.gguf:
        if LLAMA not in engines:
            yield "llama.cpp is not installed"
            return
        kind = AS_IT_IS if model.file else "Q8_0" if model.parameters < _SMALL else "Q4_K_M"
        yield _in_memory(model, LLAMA, kind, context, room)
    elif TRANSFORMERS not in engines:
        yield "no GGUF of it is known for llama.cpp, and transformers is not installed"
    else:
        kinds = ("16-bit",) if model.experts else ("16-bit", "nf4")
        yield from (_in_memory(model, TRANSFORMERS, kind, context, room) for kind in kinds)


def _in_memory(model: Model, engine: str, kind: str, context: int, room: int) -> Plan | str:
    made = replace(_one(model, engine, kind, context, room), repository=model.gguf or model.id)
    return _fitting(made, f"{NAMES[engine]} on the processor, {kind}")


def _one(model: Model, engine: str, kind: str, context: int, room: int) -> Plan:
    """By one engine with room of its own, whether it suffices or not."""
    return Plan(
        model=model,
        repository=model.id,
        engine=engine,
        quantization=kind,
        dtype="auto",
        context=context,
        need=need(model, engine, kind, context=context),
        room=room,
    )


def _fitting(made: Plan, what: str) -> Plan | str:
    """The plan, or why it is none."""
    return made if made.need.all <= made.room else f"{what} needs {size(made.need.all)} of {size(made.room)}"


def size(count: int) -> str:
    return f"{count / GIB:.1f} GiB"
