"""What is composed for a local change beside its base: its checks, and a review of it. Nothing is made or moved."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from greenloop.app import Order, bench, request_of, settings_of
from greenloop.commands.evaluate import Measured, before
from greenloop.commands.evaluate import evaluate as run_checks
from greenloop.domain import Outcome, Tree
from greenloop.errors import UsageError
from greenloop.forge.terminal import Terminal
from greenloop.model import open_model
from greenloop.model.accounted import within
from greenloop.model.fitting import narrowed
from greenloop.model.kept import remembering
from greenloop.model.local.serving import Serving
from greenloop.model.metered import meter_of
from greenloop.model.replay import Replay
from greenloop.records.places import Places
from greenloop.sandbox import open_local
from greenloop.sandbox.remembered import cache_folder
from greenloop.workspace import GitWorkspace, open_workspace

if TYPE_CHECKING:
    from greenloop.commands.review import Reviewed

AS_THEY_ARE = "the files as they are"
NOTHING = "Nothing differs between {base} and {head}. Name what it is to be compared with: greenloop review --base main"


@dataclass(frozen=True, slots=True, kw_only=True)
class Criticised:
    """A review and what it has cost; `base` and `head` are what was compared, for people."""

    reviewed: Reviewed
    outcome: Outcome
    base: str
    head: str


def evaluate(order: Order, head: str | None, environment: Mapping[str, str]) -> Measured:
    """The checks on `head` (None: the working tree) beside the base."""
    box = open_local(order.sandbox, environment)
    with open_workspace(order.repo) as workspace:
        tip = workspace.resolve(head or "HEAD")
        base = workspace.resolve(order.base) if order.base else before(workspace, head, tip)
        settings = settings_of(workspace, base, order, environment)
        request = request_of(replace(order, text=""), workspace, base, settings)
        tree = workspace.tree(tip) if head else workspace.working_tree()
        nobody = Replay((), name="none")
        with (
            Terminal(settings.attempts) as terminal,
            bench(workspace, settings, nobody, terminal, box=box, cache=cache_folder(environment)) as made,
        ):
            return run_checks(replace(request, command="evaluate"), tree, made, name=head or "the working tree")


def review(order: Order, head: str | None, environment: Mapping[str, str]) -> Criticised:
    """What is claimed about `head` (None: the working tree) since it left the base, and what running it shows."""
    from greenloop.commands.review import ended  # noqa: PLC0415 - `evaluate` does not pay for it
    from greenloop.commands.review import review as run_review  # noqa: PLC0415 - as above

    box, places = open_local(order.sandbox, environment), Places.of(environment)
    with open_workspace(order.repo) as workspace, Serving(places.cache, environment) as serving:
        base, tree, name = _change(order, head, workspace)
        settings = settings_of(workspace, base, order, environment, asks="model")
        live = open_model(
            settings,
            environment=environment,
            health=places.cache,
            state=places.state,
            serving=serving,
            task="review",
        )
        settings = narrowed(settings, live)
        request = replace(request_of(order, workspace, base, settings), command="review")
        meter = meter_of(request, settings, places)
        asked = remembering(within(live, meter.ledger), request, settings, places, given=not order.fresh)
        cache = cache_folder(environment)
        with (
            Terminal(settings.attempts) as terminal,
            bench(workspace, settings, asked, terminal, box=box, cache=cache, meter=meter) as made,
        ):
            serving.tell(terminal)
            reviewed = run_review(request, tree, made, name=name)
            return Criticised(
                reviewed=reviewed,
                outcome=ended(request, reviewed, made),
                base=base,
                head=head or AS_THEY_ARE,
            )


def _change(order: Order, head: str | None, workspace: GitWorkspace) -> tuple[str, Tree, str]:
    """Where the change begins, its files, and a commit that has them: for files that are in none, one that no ref
    leads to."""
    tip = workspace.resolve(head or "HEAD")
    against = workspace.resolve(order.base) if order.base else before(workspace, head, tip)
    base = workspace.merge_base(against, tip) or against
    tree = workspace.tree(tip) if head else workspace.working_tree()
    if tree == workspace.tree(base):
        raise UsageError(NOTHING.format(head=head or AS_THEY_ARE, base=order.base or base[:9]))
    return base, tree, tip if head else workspace.commit(tree, (tip,), AS_THEY_ARE)
