"""From the names in the settings to models: where each is, how it is spoken to, which key may go there."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from urllib.parse import urlsplit

from greenloop.errors import Misconfigured, Refused
from greenloop.model.given import check_address, local, origin
from greenloop.model.keys import FOR_ROWS, OURS, PROVIDERS, read, variables
from greenloop.model.local.names import is_local
from greenloop.model.local.rowed import context_of
from greenloop.setting_values import ProviderRow
from greenloop.settings import Settings

# What has a place of its own and needs no litellm: `ollama/name` and the like. One row for each.
BUILT_IN: Mapping[str, ProviderRow] = MappingProxyType(
    {
        "huggingface": ProviderRow(api_base="https://router.huggingface.co/v1"),
        "llamacpp": ProviderRow(api_base="http://127.0.0.1:8080/v1"),
        "lm_studio": ProviderRow(api_base="http://127.0.0.1:1234/v1"),
        "ollama": ProviderRow(api_base="http://127.0.0.1:11434", format="ollama"),
        "ollama_chat": ProviderRow(api_base="http://127.0.0.1:11434", format="ollama"),
        "vllm": ProviderRow(api_base="http://127.0.0.1:8000/v1"),
    }
)

LOCAL = "local"  # what greenloop serves itself
_ELSEWHERE = (
    "`only_endpoint` keeps this repository's code at {only}, and the model {name!r} is at {place}. Name a model that "
    "is there (`model`, `api_base`, `providers`), or change `only_endpoint`."
)
_UNUSED = (
    "{called} names {given}, and no model of these settings would be asked there: {name!r} is at {place}. Leave "
    "{called} out, or name a model by `model` that is there."
)
_FOREIGN_KEY = (
    "`providers.{name}.keys` holds {variable}, which may hold a secret of another service. Name a variable that begins "
    "with GREENLOOP_KEY_, or one of the provider's own: {usual}."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One model. `settings` are those of the run, with what this model has of its own in their place."""

    name: str  # as the settings call it
    settings: Settings
    format: str
    variables: tuple[str, ...]
    via: str = ""  # the provider by name, "" for an address of the settings' own
    requests: float = 0.0
    tokens: float = 0.0
    context: int = 0  # tokens of the model's context, 0 where the settings do not say

    @property
    def place(self) -> str:
        """The endpoint's address, or the provider that litellm speaks to."""
        return self.settings.api_base.rstrip("/") or self.settings.model.partition("/")[0]


def rows(settings: Settings, task: str = "edit") -> tuple[Row, ...]:
    """The model for a task and those that stand in for it, in order. Raises `Refused` when the first is where the code
    may not go, `Misconfigured` for a row that asks for somebody else's key."""
    edit = edits(settings)
    given = settings.models.get(task)
    first = stand_in(row(given, settings, first=True), edit) if given and task != "edit" else edit
    if not allowed(first, settings):
        raise Refused(_ELSEWHERE.format(only=settings.only_endpoint, name=first.name or "default", place=first.place))
    others = [row(name, settings) for name in settings.fallback_models]
    return (first, *(stand_in(other, first) for other in others if allowed(other, settings)))


def beside(settings: Settings) -> tuple[Row, ...]:
    """The models that take turns with the first one at first proposals. Raises as `rows` does."""
    if settings.candidates == 1 or not settings.candidate_models:
        return ()
    first, others = rows(settings)[0], [row(name, settings) for name in settings.candidate_models]
    for other in others:
        if not allowed(other, settings):
            raise Refused(_ELSEWHERE.format(only=settings.only_endpoint, name=other.name, place=other.place))
    return tuple(stand_in(other, first) for other in others)


def kept_out(settings: Settings) -> tuple[str, ...]:
    """Models that would stand in, were they not elsewhere than `only_endpoint`."""
    return tuple(name for name in settings.fallback_models if not allowed(row(name, settings), settings))


def require_used(settings: Settings, given: str, called: str) -> None:
    """Who names an address beside the settings' file means that something is asked there. Raises `Misconfigured`."""
    if not given or (settings.embedding_model and not settings.embedding_base):
        return
    edit = settings.models.get("edit") or settings.model
    firsts = [row(name, settings, first=True) for name in dict.fromkeys((edit, *settings.models.values()))]
    others = [row(name, settings) for name in (*settings.fallback_models, *settings.candidate_models)]
    check_address(given)
    if all(_origin(other) != origin(given) for other in (*firsts, *others)):
        first = firsts[0]
        raise Misconfigured(_UNUSED.format(called=called, given=given, name=first.name, place=first.place))


def row(name: str, settings: Settings, *, first: bool = False) -> Row:
    given = settings.providers.get(name)
    if given is not None:
        return _made(name, given.model, given, settings)
    provider, _, rest = name.partition("/")
    here = first or provider.lower() not in PROVIDERS | BUILT_IN.keys() | {LOCAL}
    if settings.api_base and (here or not rest):
        return _made(name, name, ProviderRow(api_base=settings.api_base, prices=settings.prices), settings)
    prices = settings.prices if first else None
    return _made(name, name, ProviderRow(model=name, prices=prices), settings)


def _made(name: str, model: str, given: ProviderRow, settings: Settings) -> Row:
    provider, _, rest = model.partition("/")
    known = BUILT_IN.get(provider.lower()) if rest and not given.api_base else None
    ours = not given.api_base and is_local(model)
    context = given.context_tokens or (context_of(model) if ours else 0)
    room, output = lengths(settings.context_tokens, settings.max_output, context)
    own = replace(
        settings,
        model=rest if known else model,
        api_base=known.api_base if known else given.api_base,
        prices=given.prices,
        context_tokens=room,
        max_output=output,
    )
    return Row(
        name=name,
        settings=own,
        format=known.format if known else given.format,
        variables=_variables(name, given.keys, own),
        via=provider.lower() if known or not given.api_base else "",
        requests=given.requests_per_minute,
        tokens=given.tokens_per_minute,
        context=context,
    )


def lengths(most: int, output: int, context: int) -> tuple[int, int]:
    """Tokens of a prompt and of its answer, at most `most` and `output`, that a context has room for: half of it at
    most is the answer's. 0: nobody knows how long it is."""
    if context <= 0:
        return most, output
    output = max(1, min(output, context // 2))
    return max(1, min(most, context - output)), output


def _variables(name: str, keys: tuple[str, ...], own: Settings) -> tuple[str, ...]:
    """The variables that may hold this row's key. The settings come from a repository, and must not be able to send
    whatever secret this machine has to an address of their choice."""
    usual = variables(own)
    for variable in keys:
        if variable not in usual and not variable.startswith(FOR_ROWS):
            raise Misconfigured(_FOREIGN_KEY.format(name=name, variable=variable, usual=", ".join(usual)))
    return keys or ((own_variable(name), *usual) if name in own.providers else usual)


def stand_in(other: Row, first: Row) -> Row:
    """The key that was given for the first model goes to no other provider."""
    if _origin(other) == _origin(first) and OURS in other.variables:
        return other
    own = (own_variable(other.name), *(name for name in other.variables if name != OURS))
    return replace(other, settings=replace(other.settings, api_key=""), variables=tuple(dict.fromkeys(own)))


def own_variable(name: str) -> str:
    """`GREENLOOP_KEY_LOCAL` for the row `local`."""
    return FOR_ROWS + re.sub(r"[^A-Z0-9]", "_", name.upper())


def _origin(row: Row) -> object:
    if not row.settings.api_base:
        return row.via
    check_address(row.settings.api_base)
    return origin(row.settings.api_base)


def allowed(row: Row, settings: Settings) -> bool:
    """Whether the code may go there."""
    only = settings.only_endpoint.strip()
    if not only:
        return True
    if "://" not in only:
        return only in {row.via, row.name if row.name in settings.providers else ""}
    return bool(row.settings.api_base) and _inside(row.settings.api_base, only)


def near(address: str, settings: Settings) -> bool:
    """Whether the code may go to that address to become vectors."""
    place = _only(settings)
    return not settings.only_endpoint.strip() or ("://" in place and _inside(address, place))


def keeps(address: str, settings: Settings) -> bool:
    """Whether vectors of the code may lie at that address: on the host of the one place, whatever the port, or on this
    machine. Words can be had back from vectors."""
    place = _only(settings)
    try:
        host = origin(address)[1]
    except ValueError:
        host = ""
    return not settings.only_endpoint.strip() or local(host) or ("://" in place and host == origin(place)[1])


def _only(settings: Settings) -> str:
    """The address of the one place, or its name where it has none."""
    only = settings.only_endpoint.strip()
    named = settings.providers.get(only) or BUILT_IN.get(only)
    return named.api_base if named else only


def _inside(address: str, only: str) -> bool:
    for given in (address, only):
        check_address(given)
    return origin(address) == origin(only) and _path(address).startswith(_path(only))


def _path(address: str) -> str:
    return f"{urlsplit(address).path.strip('/')}/".lstrip("/")


def key_from(environment: Mapping[str, str], settings: Settings) -> str:
    """The key, or the keys, for the model that makes changes: what is in the settings, or in the first variable that
    holds any, or in the file that VARIABLE_FILE names, one a line; "" when there is none."""
    if settings.api_key:
        return settings.api_key
    return read(environment, edits(settings).variables)


def edits(settings: Settings) -> Row:
    """The model that makes changes: the one whose key `Settings.api_key` is."""
    return row(settings.models.get("edit") or settings.model, settings, first=True)


def of_vectors(settings: Settings) -> tuple[str, Row | None]:
    """Where an endpoint makes vectors, and the model whose key it gets: that for changes, where it is there itself.
    `api_base` alone says nothing of that: a model under `providers` may be elsewhere."""
    base, first = settings.embedding_base or settings.api_base, edits(settings)
    if not base:
        raise Misconfigured("`embedding_model` needs an address: set `embedding_base`, or `api_base` for both.")
    check_address(base)
    return base, first if _origin(first) == origin(base) else None
