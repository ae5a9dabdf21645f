"""The composition root of a terminal: it knows every adapter. What only compares is composed in `comparing`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from hashlib import sha256
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from greenloop import configuration
from greenloop.commands import starting
from greenloop.commands.generate import generate as run_loop
from greenloop.commands.journal import Journal, find, opened
from greenloop.commands.run import Run
from greenloop.domain import Outcome, Request, Source, Tree
from greenloop.engine.outside import NOTHING_BEYOND, Outside, outside
from greenloop.engine.workbench import Workbench
from greenloop.errors import UsageError
from greenloop.forge.terminal import Files, Nowhere, Terminal
from greenloop.model import key_from, note, open_model, secrets
from greenloop.model.accounted import within
from greenloop.model.budget import Budget, estimate_tokens
from greenloop.model.fitting import narrowed
from greenloop.model.kept import remembering
from greenloop.model.local.serving import Serving
from greenloop.model.metered import Meter, meter_of, metered
from greenloop.model.own_keys import keyed, keyed_for_vectors
from greenloop.model.replay import Replay
from greenloop.ports import Forge, Model, OnProgress, Progress, Sandbox
from greenloop.records import recording
from greenloop.records.places import Places
from greenloop.report.slugs import slug
from greenloop.sandbox import open_local
from greenloop.sandbox.launchers import ahead
from greenloop.sandbox.remembered import cache_folder
from greenloop.sense import hint
from greenloop.settings import Settings
from greenloop.stopping import Stop
from greenloop.workspace import GitWorkspace, open_workspace

if TYPE_CHECKING:
    from greenloop.commands.index import Indexed


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What somebody at a terminal wants. `overrides` are settings by name, as words of the command line."""

    text: str
    repo: Path
    base: str | None = None
    branch: str | None = None
    files: tuple[str, ...] = ()
    overrides: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    sandbox: str = "auto"
    fresh: bool = False
    knowledge: tuple[str, ...] = ()  # folders and addresses outside the repository, as written


def generate(order: Order, environment: Mapping[str, str], *, model: Model | None = None) -> Outcome:
    """The loop on a local checkout. `model` stands in for the one that the settings name. Raises `GreenloopError` for
    what makes a run impossible."""
    outside(order.knowledge)  # what is wrong there is told before anything else is done
    box, places = open_local(order.sandbox, environment), Places.of(environment)
    with open_workspace(order.repo) as workspace, Serving(places.cache, environment) as serving:
        base = workspace.resolve(order.base or "HEAD")
        settings = settings_of(workspace, base, order, environment, asks="nobody" if model else "model")
        told = hint(order.text, tokens=estimate_tokens(order.text), most=settings.context_tokens // 2)
        if told:
            raise UsageError(told)
        starting.files(workspace, base, order.files)
        live = model or open_model(
            settings, environment=environment, health=places.cache, state=places.state, serving=serving
        )
        settings = narrowed(settings, live)
        request = request_of(order, workspace, base, settings)
        with opened(
            workspace.git_dir, request.key, fresh=order.fresh, secrets=secrets(settings, environment)
        ) as journal:
            earlier = next((e.request for e in journal.before if isinstance(e, recording.Run)), None)
            branch = earlier.head if earlier else order.branch
            request = replace(request, key=journal.key, head=branch or f"greenloop/{slug(order.text)}-{journal.key}")
            run = Run(workspace, request, journal)
            run.begin(settings, live.name)
            meter = meter_of(request, settings, places)
            live = remembering(within(live, meter.ledger), request, settings, places, given=not order.fresh)
            asked = Replay.of(journal.before, name=live.name, then=live) if journal.before else live
            outcome = _play(
                order,
                workspace,
                settings,
                asked,
                run,
                Files(journal.folder) if journal.folder else Nowhere(),
                box=box,
                cache=cache_folder(environment),
                meter=meter,
                tell=serving.tell,
            )
            if model is None:
                note(settings, places.state, used=len(outcome.attempts), useless=outcome.unusable)
            return outcome


def _play(  # noqa: PLR0913 - what a run is made of; each of them is another's matter
    order: Order,
    workspace: GitWorkspace,
    settings: Settings,
    model: Model,
    run: Run,
    forge: Forge,
    *,
    box: Sandbox,
    cache: Path,
    meter: Meter | None = None,
    tell: Callable[[OnProgress], None] = lambda _: None,
) -> Outcome:
    beyond = outside(order.knowledge)
    with (
        Terminal(settings.attempts) as terminal,
        bench(workspace, settings, model, terminal, box=box, cache=cache, beyond=beyond, meter=meter) as made,
    ):
        tell(terminal)
        return run_loop(run.request, made, run, forge)


def index(order: Order, query: str, environment: Mapping[str, str]) -> Indexed:
    """Bring the index of a commit up to date; with a query, also say what would be quoted for it."""
    from greenloop.commands.index import index as run_index  # noqa: PLC0415 - as above
    from greenloop.engine.context import Source as InTree  # noqa: PLC0415 - as above

    with open_workspace(order.repo) as workspace:
        base = workspace.resolve(order.base or "HEAD")
        settings = settings_of(workspace, base, order, environment, asks="vectors")
        meter = meter_of(request_of(order, workspace, base, settings), settings, Places.of(environment))
        with Terminal(0) as terminal:
            return run_index(
                InTree(workspace, workspace.tree(base), settings),
                base,
                cache=cache_folder(environment),
                repository=str(order.repo.resolve()),
                query=query,
                beyond=outside(order.knowledge),
                budget=min(settings.context_tokens // 2, settings.snippet_tokens),
                say=lambda words: terminal(Progress(phase="index", detail=words)),
                told=lambda done, of: terminal(Progress(phase="index", detail=f"{done} of {of} files")),
                embedder=metered(settings, None, meter),
            )


def replay(name: str, order: Order, environment: Mapping[str, str]) -> tuple[Outcome, bool]:
    """Play a recorded run again, offline, without touching any branch. Returns whether the trees are the same."""
    box = open_local(order.sandbox, environment)
    with open_workspace(order.repo) as workspace:
        entries = find(name, workspace)
        head = entries[0]
        if not isinstance(head, recording.Run):
            raise UsageError(f"{name} does not begin with what was asked.")
        request = replace(head.request, base=workspace.resolve(head.base))
        model = Replay.of(entries, name=head.model)
        run = Run(workspace, request, Journal(request.key), dry=True)
        run.seen = recording.looked(entries)
        run.begin(head.settings, head.model)
        outcome = _play(
            order, workspace, head.settings, model, run, Nowhere(), box=box, cache=cache_folder(environment)
        )
        trees = [e.tree for e in entries if isinstance(e, recording.Judged)]
        return outcome, [a.tree for a in outcome.attempts] == trees


@contextmanager
def bench(  # noqa: PLR0913 - all that a bench is made of
    workspace: GitWorkspace,
    settings: Settings,
    model: Model,
    progress: OnProgress,
    *,
    box: Sandbox,
    cache: Path,
    temp: Path | None = None,
    beyond: Outside = NOTHING_BEYOND,
    meter: Meter | None = None,
    rules: Tree | None = None,
) -> Iterator[Workbench]:
    """Everything real, with a private folder (in `temp`) that is gone afterwards, and signals that stop it in order."""
    scratch = Path(mkdtemp(prefix="greenloop-trees-", dir=temp))
    scratch.chmod(0o711)  # a confined process of another user passes through to its own folder in here
    stop, budget = Stop(), Budget(settings)
    stop.ends(box.stop)
    stop.install()
    try:
        with ahead() as at_work:
            yield Workbench(
                settings=settings,
                workspace=workspace,
                sandbox=box,
                model=model,
                budget=budget,
                embedder=partial(metered, settings, budget, meter),
                progress=progress,
                stop=stop,
                scratch=scratch,
                cache=cache,
                beyond=beyond,
                rules=rules,
                at_work=at_work,
            )
    finally:
        rmtree(scratch, ignore_errors=True)


def settings_of(
    workspace: GitWorkspace, base: str, order: Order, environment: Mapping[str, str], *, asks: str = "nobody"
) -> Settings:
    """The base commit's file, then the command line, then the key from the environment; when a run asks a "model", or
    for "vectors" alone, only for where the user said."""
    text = starting.settings(workspace, base)
    settings = configuration.load(text, overrides=order.overrides)
    given, model = (str(order.overrides.get(name, "")) for name in ("api_base", "model"))
    if asks == "model":
        return keyed(settings, environment, text=text, given=given, model=model)
    if asks == "vectors":
        return keyed_for_vectors(settings, environment, text=text, given=given)
    return replace(settings, api_key=key_from(environment, settings))


def request_of(order: Order, workspace: GitWorkspace, base: str, settings: Settings) -> Request:
    parts = (base, order.text, *order.files, settings.test_command, settings.directory, order.branch or "")
    return Request(
        key=sha256("\0".join(parts).encode()).hexdigest()[:12],
        at=datetime.now(UTC).isoformat(timespec="seconds"),
        command="generate",
        text=order.text,
        source=Source.TERMINAL,
        repository=str(order.repo.resolve()),
        actor=workspace.identity(),
        base=base,
        files=order.files,
    )
