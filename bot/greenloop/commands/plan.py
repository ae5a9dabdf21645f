"""`greenloop models plan`: how a model would be served on a machine, and why."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from greenloop.errors import Misconfigured, UsageError
from greenloop.model.local.facts import Machine, Model, known, machines, models
from greenloop.model.local.hardware import here
from greenloop.model.local.names import Named, is_local, named
from greenloop.model.local.plan import NAMES, Plan, Refusal, decide, size

NO_MACHINE = "There is no machine {name!r}. There are: {all}; without --machine, this one."
NOT_LOCAL = "{name!r} is no model that is served here; a name begins with local/."
UNKNOWN = "{name} is none of the ready-made rows ({families})."


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    named: Named
    machine: Machine
    found: Plan | Refusal

    @property
    def fits(self) -> bool:
        return isinstance(self.found, Plan)

    def as_dict(self) -> dict[str, Any]:
        kind = {"fits": self.fits, "model": str(self.named), "machine": asdict(self.machine)}
        if isinstance(self.found, Plan):
            return {**kind, **asdict(self.found), "reason": self.found.reason}
        return {**kind, "reason": str(self.found), "shorter": self.found.shorter, "instead": self.found.instead}


def plan(model: str, *, context: int, machine: str = "") -> Planned:
    """Raises `UsageError` and `Misconfigured`."""
    if not is_local(model):
        raise UsageError(NOT_LOCAL.format(name=model))
    name, all_machines = named(model), machines()
    if machine and machine not in all_machines:
        raise UsageError(NO_MACHINE.format(name=machine, all=", ".join(all_machines)))
    place = all_machines[machine] if machine else here()
    row = _row(name)
    gguf = name.hub.lower() == row.gguf.lower() != ""
    return Planned(named=name, machine=place, found=decide(row, place, context=context, gguf=gguf))


def _row(name: Named) -> Model:
    row = known(name.hub)
    if row is None:
        families = ", ".join(dict.fromkeys(m.family for m in models()))
        raise Misconfigured(UNKNOWN.format(name=name, families=families))
    return row


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
    template = found.model.template
    yield f"template {template}, ends of turn {' '.join(found.model.stop)}, asked for: {found.model.edit_format}"
    if not planned.named.pinned:
        yield "note: no commit is named, so the weights may be others tomorrow; write @<commit> behind the name."
