"""What is known of models and of machines, as values."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cache
from importlib.resources import files
from typing import Any

MIB, GIB = 1 << 20, 1 << 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """A model by the numbers of its `config.json`; what each means stands above the rows, in families.toml."""

    id: str
    family: str = ""
    parameters: int
    layers: int
    heads: int
    kv_heads: int
    head_dim: int
    hidden: int
    inner: int
    vocabulary: int
    tied: bool
    context: int
    gated: bool = True
    experts: bool = False
    kv_width: int = 0
    template: str = "its own"
    stop: tuple[str, ...] = ()
    edit_format: str = "any"
    gguf: str = ""
    arguments: tuple[str, ...] = ()  # that vLLM needs for it
    sources: tuple[str, ...] = ()
    file: int = 0  # bytes of weights that are quantized already; 0: they are not

    @property
    def name(self) -> str:
        return self.id.rpartition("/")[2]

    @property
    def embeddings(self) -> int:
        """The parameters that no quantization by bitsandbytes touches."""
        return self.vocabulary * self.hidden * (1 if self.tied else 2)

    @property
    def cached(self) -> int:
        """Numbers kept for one token in all layers."""
        return self.layers * (self.kv_width or 2 * self.kv_heads * self.head_dim)


@dataclass(frozen=True, slots=True, kw_only=True)
class Gpu:
    name: str
    total: int  # bytes
    free: int
    capability: float  # CUDA's: 7.5 Turing, 8.0 Ampere, 8.9 Ada, 9.0 Hopper


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """`memory` is what is free of it, or what the container or cgroup allows, whichever is less."""

    memory: int
    gpus: tuple[Gpu, ...] = ()


@cache
def _data() -> dict[str, Any]:
    return tomllib.loads(files("greenloop.model.local").joinpath("families.toml").read_text("utf-8"))


@cache
def models() -> tuple[Model, ...]:
    """The ready-made rows, each with what its family says unless it says otherwise itself."""
    return tuple(_row(family | row, family["name"]) for family in _data()["family"] for row in family["model"])


def _row(values: Mapping[str, Any], family: str) -> Model:
    known = {field.name for field in fields(Model)} - {"family"}
    taken: dict[str, Any] = {key: tuple(v) if isinstance(v, list) else v for key, v in values.items() if key in known}
    return Model(**taken, family=family)


def known(name: str) -> Model | None:
    """The row of a repository of the hub, or of the GGUF repository that belongs to it."""
    return next((row for row in models() if name.lower() in {row.id.lower(), row.gguf.lower()}), None)


def machines() -> dict[str, Machine]:
    """Those that a plan can be tried on without having them."""
    return {
        name: Machine(
            memory=row["memory"] * MIB,
            gpus=tuple(
                Gpu(name=g["name"], total=g["total"] * MIB, free=g["free"] * MIB, capability=g["capability"])
                for g in row.get("gpus", ())
            ),
        )
        for name, row in _data()["machine"].items()
    }
