"""Which way of having a model of one's own serves whom, seen from where greenloop runs. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from greenloop.model.local.facts import Machine
from greenloop.model.local.plan import NAMES, size

_IN_ACTION = (
    "/github/workspace"  # where the runner mounts the workspace into the container of an action, and only there
)
ACTION = (
    "This is a container action, which gets no options and so sees no GPU: the model is an endpoint (`api_base`), a "
    "`services:` container with `--gpus all` or a server on the host. To have greenloop serve it, run `greenloop "
    "action` in a job of your own. docs/local-models.md has both."
)
JOB = "No GPU is seen in this job. In `container:` it takes `options: --gpus all`, and a runner that has one."
HERE = "`model: local/…` is served here by {engines}, with {gpus}; `greenloop models plan MODEL` says how."
NOTHING = (
    "No engine is installed that could serve `model: local/…` here (vLLM, transformers, llama-cpp-python); an endpoint "
    "(`api_base`) can be anywhere."
)


def ways(machine: Machine, engines: Collection[str], environment: Mapping[str, str]) -> Iterator[str]:
    if environment.get("GITHUB_WORKSPACE") == _IN_ACTION:
        yield ACTION
        return
    if environment.get("GITHUB_ACTIONS") == "true" and not machine.gpus:
        yield JOB
    if not engines:
        yield NOTHING
        return
    gpus = ", ".join(f"{g.name} ({size(g.free)} free)" for g in machine.gpus) or "no GPU"
    yield HERE.format(engines=" or ".join(NAMES[engine] for engine in engines), gpus=gpus)
