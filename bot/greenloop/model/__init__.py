"""Everything between a prompt and a provider. Opening a model is cheap: libraries are loaded by `warm` or
the first call.

The direct client speaks to endpoints in one of the `formats`; every other provider goes through litellm. Between a call
and a provider stands its `Line` (tries, breaker, keys, limits), and before all of them the `Chain`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from greenloop.errors import GreenloopError, Misconfigured
from greenloop.model.given import check_address, check_key, check_provider
from greenloop.model.keys import read, split
from greenloop.model.local.names import is_local, named
from greenloop.model.local.rowed import asked
from greenloop.model.rows import Row, beside, kept_out, key_from, rows
from greenloop.settings import FILE, Settings

if TYPE_CHECKING:
    from greenloop.model.local.serving import Serving
    from greenloop.model.shared import Shared
    from greenloop.ports import CallLimits, Chat, Fit, Model, Price, Reply

__all__ = ["context", "key_from", "open_model", "reach", "secrets"]

_NO_MODEL = f"""No model is named. Name one in one of these ways:
  on the command line   greenloop generate --model anthropic/claude-sonnet-5 "…"   (key in ANTHROPIC_API_KEY)
  a local endpoint      greenloop generate --api-base http://127.0.0.1:8000/v1 "…"  (vLLM, llama.cpp, Ollama, LM Studio)
  in {FILE}   model: anthropic/claude-sonnet-5
  in a workflow         with: {{model: anthropic/claude-sonnet-5, api_key: "${{{{ secrets.GREENLOOP_API_KEY }}}}"}}
In a terminal the key comes from the environment alone: GREENLOOP_API_KEY, or the provider's own variable."""

_NOT_SERVED = (
    "The model {model!r} is served by a run, by `greenloop doctor --model` and by the action, and not from here."
)


def open_model(
    settings: Settings,
    *,
    environment: Mapping[str, str] = MappingProxyType({}),
    health: Path | None = None,
    state: Path | None = None,
    task: str = "edit",
    serving: Serving | None = None,
) -> Model:
    """The model that the settings name for a task, with those that stand in for it or take turns with it. Keys are read
    from `environment` for each call; what is known of providers is shared in the folder `health` with other processes,
    and what `greenloop doctor` found out about models is in the folder `state`. `serving` serves `local/…`.

    Raises `Misconfigured` and `Refused`; opens no connection and loads no library."""
    from greenloop.model.chain import Chain  # noqa: PLC0415 - half of what importing this package would cost

    check_key(settings.api_key)
    found, others = rows(settings, task), beside(settings) if task == "edit" else ()
    if state is not None:
        from greenloop.model.abilities import suited  # noqa: PLC0415 - sqlite3

        found, others = suited(found, state), suited(others, state)
    for row in (*found, *others):
        _check(row)
    known = _Known(health, serving)
    first = Chain([_Later(row, environment, known) for row in found], kept_out=kept_out(settings))
    if not others:
        return first
    from greenloop.model.several import Several  # noqa: PLC0415 - only where it is set so

    return Several([first, *(Chain([_Later(row, environment, known)]) for row in others)])


def note(settings: Settings, state: Path, *, used: int, useless: int) -> None:
    """How many answers of a run that is over could be used; what is asked of the model later follows from it."""
    from greenloop.model import abilities  # noqa: PLC0415 - sqlite3

    abilities.note(settings, state, used=used, useless=useless)


def secrets(settings: Settings, environment: Mapping[str, str]) -> tuple[str, ...]:
    """Every key that the models of these settings may have."""
    names = {name for row in (*rows(settings), *beside(settings)) for name in row.variables}
    texts = (settings.api_key, *(read(environment, [name]) for name in sorted(names)))
    return tuple(dict.fromkeys(key for text in texts for key in split(text)))


def reach(row: Row, environment: Mapping[str, str]) -> tuple[bool, str]:
    """Whether there is a key for it, and in words whether it answers now. Costs no token."""
    from greenloop.model.line import keys_of  # noqa: PLC0415 - only here

    key = bool(keys_of(row, environment)())
    try:
        _check(row)
        if _here(row):
            return False, "served here, when it is asked"
        made = _opened(row, environment, _Known(None))
        names: tuple[str, ...] | None = made.listed() if hasattr(made, "listed") else None
    except GreenloopError as error:
        return key, str(error)
    if names is None:
        return key, "not asked: litellm has no list"
    if names and row.settings.model and row.settings.model not in names:
        return key, f"reachable, but it does not list {row.settings.model!r}"
    return key, "reachable"


def context(row: Row, environment: Mapping[str, str]) -> tuple[int, str]:
    """Tokens of its context, and who says so; 0 when nobody does. Costs no token."""
    if _here(row):
        return row.context, "its row says so" if row.context else ""
    made = _opened(row, environment, _Known(None))
    found: int = made.context() if hasattr(made, "context") else 0
    if found:
        return found, "its endpoint says so" if row.settings.api_base else "litellm's list says so"
    return (row.context, "the settings say so") if row.context else (0, "")


def _check(row: Row) -> None:
    if row.settings.api_base:
        check_address(row.settings.api_base)
    elif not row.settings.model:
        raise Misconfigured(_NO_MODEL)
    elif _here(row):
        named(row.settings.model)
    else:
        check_provider(row.settings.model)


def _here(row: Row) -> bool:
    return not row.settings.api_base and is_local(row.settings.model)


class _Known:
    """What all models of a run share; made at the first use."""

    def __init__(self, folder: Path | None, serving: Serving | None = None) -> None:
        self.serving = serving
        self._folder = folder
        self._made: Shared | None = None
        self._lock = threading.Lock()

    def shared(self) -> Shared:
        from greenloop.model.shared import Machine, Memory  # noqa: PLC0415 - at the first call

        with self._lock:
            if self._made is None:
                self._made = Machine(self._folder) if self._folder else Memory()
            return self._made


class _Later:
    """A model whose client is made at the first use, by whichever thread comes first."""

    def __init__(self, row: Row, environment: Mapping[str, str], known: _Known) -> None:
        self._row = row
        self._environment = environment
        self._known = known
        self._made: Model | None = None
        self._lock = threading.Lock()

    def _model(self) -> Model:
        with self._lock:
            if self._made is None:
                self._made = _opened(self._row, self._environment, self._known)
            return self._made

    @property
    def name(self) -> str:
        return self._made.name if self._made else self._row.settings.model or "default"

    @property
    def price(self) -> Price | None:
        return self._model().price

    @property
    def fit(self) -> Fit:
        from greenloop.model.fitting import fit_of  # noqa: PLC0415 - when the first prompt is made

        return fit_of(asked(self._row.settings))

    def pass_on(self) -> bool:
        return False

    def warm(self) -> None:
        with suppress(GreenloopError):  # the first call says it
            self._model().warm()

    def ready(self) -> None:
        """Wait for what takes long before any call, where there is such a thing. Raises `ModelUnreachable`."""
        wait = getattr(self._model(), "ready", None)
        if wait is not None:
            wait()

    def complete(self, chat: Chat, *, limits: CallLimits, on_chunk: Callable[[str], None]) -> Reply:
        most = min(limits.max_output, self._row.settings.max_output)
        return self._model().complete(chat, limits=replace(limits, max_output=most), on_chunk=on_chunk)


def _opened(row: Row, environment: Mapping[str, str], known: _Known) -> Model:
    from greenloop.model.line import keys_of, line_of  # noqa: PLC0415 - at the first call
    from greenloop.model.retry import Pace  # noqa: PLC0415 - likewise

    if _here(row):
        if known.serving is None:
            raise Misconfigured(_NOT_SERVED.format(model=row.settings.model))
        return known.serving.model(row.settings)
    keys = keys_of(row, environment)
    line = line_of(row, keys, Pace(), known.shared())
    settings = replace(row.settings, api_key=",".join(keys()))
    if row.settings.api_base:
        from greenloop.model.endpoint import Endpoint  # noqa: PLC0415 - one of the two, and 10 ms

        return Endpoint(settings, line=line, form=row.format, named=row.variables)
    from greenloop.model.providers import Provider  # noqa: PLC0415 - one of the two, and 10 ms

    return Provider(settings, line=line, named=row.variables)
