"""`greenloop models plan`: how a model would be served on a machine, and why."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from threading import Event
from typing import Any

from greenloop.errors import Misconfigured, UsageError
from greenloop.model.local.engines import installed
from greenloop.model.local.facts import Machine, known, machines
from greenloop.model.local.files import NoWeights
from greenloop.model.local.hardware import here
from greenloop.model.local.kept import surroundings
from greenloop.model.local.loading import INSTALL, described, elsewhere
from greenloop.model.local.names import Named, is_local, named
from greenloop.model.local.plan import NAMES, Plan, Refusal, decide, size
from greenloop.model.local.reading import Unreadable
from greenloop.model.local.store import Store

NO_MACHINE = "There is no machine {name!r}. There are: {all}; without --machine, this one."
NOT_LOCAL = "{name!r} is no model that is served here; a name begins with local/."
NOT_INSTALLED = "note: {engine} is not installed here ({install})."


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """`engines` are those that are installed, None for a machine that is not this one."""

    named: Named
    machine: Machine
    found: Plan | Refusal
    engines: tuple[str, ...] | None = None

    @property
    def fits(self) -> bool:
        return isinstance(self.found, Plan) and not self.trouble

    @property
    def trouble(self) -> str:
        return elsewhere(self.named, self.found) if isinstance(self.found, Plan) else str(self.found)

    def as_dict(self) -> dict[str, Any]:
        kind = {"fits": self.fits, "model": str(self.named), "machine": asdict(self.machine), "installed": self.engines}
        if isinstance(self.found, Plan):
            return {**kind, **asdict(self.found), "reason": self.trouble or self.found.reason}
        return {**kind, "reason": self.trouble, "shorter": self.found.shorter, "instead": self.found.instead}


def plan(model: str, *, context: int, cache: Path, environment: Mapping[str, str], machine: str = "") -> Planned:
    """A model that is no row of ours is looked up: in its folder, or on the hub. Raises `GreenloopError`."""
    if not is_local(model):
        raise UsageError(NOT_LOCAL.format(name=model))
    name, others = named(model), machines()
    if machine and machine not in others:
        raise UsageError(NO_MACHINE.format(name=machine, all=", ".join(others)))
    row = known(name.hub) if name.hub else None
    try:
        found, _, gguf, _ = (row, None, False, None) if row else described(name, Store(cache, environment, Event()))
    except (Unreadable, NoWeights) as error:
        raise Misconfigured(str(error)) from None
    gguf = gguf or name.hub.lower() == found.gguf.lower() != ""
    place = others[machine] if machine else here()
    engines = None if machine else tuple(installed(environment, surroundings(environment)))
    return Planned(named=name, machine=place, found=decide(found, place, context=context, gguf=gguf), engines=engines)


def shown(planned: Planned) -> Iterator[str]:
    """For people."""
    found, machine = planned.found, planned.machine
    gpus = ", ".join(f"{g.name} ({size(g.free)} free, CUDA {g.capability})" for g in machine.gpus) or "no GPU"
    yield f"machine: {gpus}; {size(machine.memory)} of memory free"
    if isinstance(found, Refusal):
        yield f"refused: {found}"
        return
    many = f", {found.gpus} GPUs" if found.gpus > 1 else ""
    yield f"choice: {NAMES[found.engine]}, {found.quantization}{many}, context of {found.context} tokens"
    if found.repository != found.model.id or found.repository != planned.named.hub:
        yield f"weights: {found.repository}"
    yield f"because: it {found.reason}"
    yield from (f"not: {reason}" for reason in found.passed)
    if found.note:
        yield f"note: {found.note}"
    if planned.engines is not None and found.engine not in planned.engines:
        yield NOT_INSTALLED.format(engine=NAMES[found.engine], install=INSTALL)
    template = found.model.template
    ends = f", ends of turn {' '.join(found.model.stop)}" if found.model.stop else ""
    yield f"template: {template}{ends}; asked for edits as: {found.model.edit_format}"
    if planned.trouble:
        yield f"refused: {planned.trouble}"
    if not planned.named.pinned:
        yield "note: no commit is named, so the weights may be others tomorrow; write @<commit> behind the name."
