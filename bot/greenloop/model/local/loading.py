"""From a name to a server that answers: look, decide, fetch, start, warm up. One thread, which `stopped` ends."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Event

from greenloop.model.faults import Fault
from greenloop.model.local import engines
from greenloop.model.local.facts import Machine, Model, known
from greenloop.model.local.files import Listed, NoWeights, chosen, only_gguf, require_beside
from greenloop.model.local.kept import surroundings
from greenloop.model.local.names import Named
from greenloop.model.local.plan import KEPT, NAMES, Plan, decide, size
from greenloop.model.local.reading import Unreadable, by_config, by_gguf
from greenloop.model.local.server import Server, Words
from greenloop.model.local.store import Looked, Store

PINNED_ELSEWHERE = (
    "{named} names a revision, and what fits here is llama.cpp, whose weights lie in {repository}. Name that one with "
    "a commit of its own: local/{repository}@<commit>."
)
NO_ENGINE = (
    "No engine is installed that could serve {model}: {install} (or name an interpreter that has one in {python})."
)
INSTALL = "pip install vllm, 'transformers[serving]' torch bitsandbytes accelerate, or 'llama-cpp-python[server]'"
_CACHED, _EIGHT = 98_304, 4.9e9  # numbers for a token, generously, where a file has this many bytes
NO_FOLDER = "{named}: there is no such folder or GGUF file."
MOVING = ". No commit is named, so these may be other weights tomorrow; write @{commit}"
LARGER = "{name} is {found}, larger than reckoned, and does not fit into the {room} that there are for it."


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """`context` are the tokens of prompt and answer together, `seconds` the deadline for loading."""

    named: Named
    context: int
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Around:
    """What loading works with. `log` is where the engine may write."""

    machine: Callable[[], Machine]
    environment: Mapping[str, str]
    store: Store
    log: Path
    stopped: Event
    tell: Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """`looked` is None for weights that lie on this machine; `name` says exactly what is served."""

    plan: Plan
    python: Path
    name: str
    looked: Looked | None = None
    path: Path = Path()
    pinned: bool = True

    @property
    def words(self) -> str:
        """What is served, by what, and why."""
        moving = "" if self.pinned or self.looked is None else MOVING.format(commit=self.looked.commit)
        return f"{self.name} by {NAMES[self.plan.engine]}, {self.plan.quantization}: it {self.plan.reason}{moving}"


def choose(wanted: Wanted, around: Around) -> Choice:
    """What is to be served, before anything is fetched. Raises `Fault`."""
    around.tell("looking what fits")
    here = engines.installed(around.environment, surroundings(around.environment))
    if not here:
        told = {"model": wanted.named, "install": INSTALL, "python": engines.PYTHON}
        raise Fault(NO_ENGINE.format(**told))
    try:
        model, looked, gguf, path = described(wanted.named, around.store)
    except (Unreadable, NoWeights) as error:
        raise Fault(str(error)) from None
    found = decide(model, around.machine(), context=wanted.context, gguf=gguf, engines=tuple(here))
    if not isinstance(found, Plan):
        raise Fault(str(found))
    name = str(wanted.named)
    if looked is not None:
        if found.repository != looked.repository:
            trouble = elsewhere(wanted.named, found)
            if trouble:
                raise Fault(trouble)
            looked = around.store.look(found.repository, "")
        name = f"local/{looked.repository}@{looked.commit[:12]}"
    pinned = wanted.named.pinned
    return Choice(plan=found, python=here[found.engine], name=name, looked=looked, path=path, pinned=pinned)


def elsewhere(named: Named, plan: Plan) -> str:
    """What is wrong with a commit of one repository where the weights that fit lie in another; "" for nothing."""
    if not named.revision or plan.repository == named.hub:
        return ""
    return PINNED_ELSEWHERE.format(named=named, repository=plan.repository)


def described(named: Named, store: Store) -> tuple[Model, Looked | None, bool, Path]:
    """The model, the revision of the hub that it is, whether it is GGUF, and where it lies on this machine if it does.
    Raises `Fault`, `Unreadable` and `NoWeights`."""
    if named.path:
        path = Path(named.path).expanduser().absolute()
        if path.suffix == ".gguf" and path.is_file():
            return by_gguf(path), None, True, path
        if not (path / "config.json").is_file():
            raise Fault(NO_FOLDER.format(named=named))
        return _folder(named, path), None, False, path
    looked = store.look(named.hub, named.revision)
    gguf = only_gguf(looked.files)
    row = known(named.hub)
    if row is None and gguf:
        return _sized(named, looked), looked, True, Path()
    if row is None:
        files = chosen(named.hub, looked.files, gguf=False, quantization="")
        row = by_config(named.hub, looked.config, size=_tensors(files), template=_talks(f.name for f in looked.files))
    return row, looked, gguf, Path()


def _folder(named: Named, path: Path) -> Model:
    files = [Listed(name=p.name, size=p.stat().st_size) for p in path.iterdir() if p.is_file()]
    import json  # noqa: PLC0415 - only here

    try:
        said = json.loads((path / "config.json").read_text("utf-8"))
    except (ValueError, RecursionError):
        said = {}
    config = said if isinstance(said, dict) else {}
    weights = chosen(str(path), files, gguf=False, quantization="")
    return by_config(str(named), config, size=_tensors(weights), template=_talks(f.name for f in files))


def _tensors(files: tuple[Listed, ...]) -> int:
    return sum(f.size for f in files if f.name.endswith(".safetensors"))


def _talks(names: object) -> bool:
    """Whether a chat template may be there: it lies in one of these files."""
    return bool({"chat_template.jinja", "chat_template.json", "tokenizer_config.json", "tekken.json"} & set(names))  # type: ignore[call-overload]


def _sized(named: Named, looked: Looked) -> Model:
    """A GGUF repository that is no row of ours is known by the size of its file alone; the cache of its tokens is taken
    as that of Llama 3 of that size, and looked up in the file when it is here."""
    first = chosen(named.hub, looked.files, gguf=True, quantization="Q4_K_M")
    total = sum(f.size for f in first if f.name.endswith(".gguf"))
    return Model(
        id=named.hub,
        parameters=total,
        file=total,
        layers=1,
        heads=1,
        kv_heads=1,
        kv_width=round(_CACHED * (total / _EIGHT) ** 0.5),
        head_dim=1,
        hidden=1,
        inner=1,
        vocabulary=1,
        tied=True,
        context=1 << 20,
    )


def fetched(choice: Choice, around: Around) -> Path:
    """The folder of the weights, or the GGUF file. Raises `Fault`."""
    plan, looked = choice.plan, choice.looked
    if looked is None:
        return _beside(choice.path)
    gguf = plan.engine == "llama_cpp"
    try:
        files = chosen(
            looked.repository,
            looked.files,
            gguf=gguf,
            quantization=plan.quantization,
            mistral="mistral" in plan.model.arguments and plan.engine == "vllm",
        )
    except NoWeights as error:
        raise Fault(str(error)) from None
    weights = sum(f.size for f in files if f.name.endswith((".gguf", ".safetensors")))
    if gguf and replace(plan.need, weights=weights).all > plan.room:
        raise Fault(LARGER.format(name=files[0].name, found=size(weights), room=size(plan.room)))
    folder = around.store.fetch(looked, files, around.tell)
    if not gguf:
        return _beside(folder)
    _require_fit(folder / files[0].name, plan, weights)
    return folder / files[0].name


def _beside(weights: Path) -> Path:
    """The folder, or the GGUF file, when it leads to nothing outside. Raises `Fault`."""
    try:
        require_beside(weights)
    except NoWeights as error:
        raise Fault(str(error)) from None
    return weights


def _require_fit(path: Path, plan: Plan, weights: int) -> None:
    """Once more, by the file's own head."""
    try:
        real = replace(by_gguf(path), file=weights)
    except Unreadable as error:
        raise Fault(str(error)) from None
    found = decide(real, Machine(memory=plan.room + KEPT), context=plan.context, gguf=True)
    if not isinstance(found, Plan):
        raise Fault(str(found))


def serve(wanted: Wanted, choice: Choice, weights: Path, around: Around) -> Server:
    """A server that is not started yet."""
    plan = choice.plan
    return Server(
        lambda port, key: engines.command(plan, weights, choice.python, port=port, key=key),
        words=Words(engine=NAMES[plan.engine], model=choice.name, need=size(plan.need.all)),
        environment=surroundings(around.environment),
        log=around.log,
        seconds=wanted.seconds,
        stopped=around.stopped,
        tell=around.tell,
    )
