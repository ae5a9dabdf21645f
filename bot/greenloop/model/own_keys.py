"""In a terminal a key of the user's goes only where the user said: what a repository's file names may be hostile.

On GitHub the settings come from the default branch, which only who may push there writes; this rule is not for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from greenloop.errors import Misconfigured, Refused
from greenloop.model.given import check_address, origin
from greenloop.model.keys import read
from greenloop.model.local.names import is_local, named
from greenloop.model.rows import Row, beside, key_from, of_vectors, require_used, rows
from greenloop.settings import FILE, Settings
from greenloop.yaml_document import Place
from greenloop.yaml_document import read as read_yaml

ENDPOINTS = "GREENLOOP_ENDPOINTS"  # addresses, with commas between them, that the user's keys may go to
LOCAL_MODELS = "GREENLOOP_LOCAL_MODELS"  # names of models that may be fetched and served, with commas; `*`: any
_OURS = "GREENLOOP_"
_UNASKED = (
    "The settings of this repository name {name}, to be fetched and served on this machine, and a repository can name "
    "anything. If you want that, name it yourself, with --model {name} or {allow}={name} in the environment."
)
_UNASKED_VECTORS = (
    "The settings of this repository name {name} as `embedding_model`, to be fetched to this machine, and a repository "
    "can name anything. If you want that, say so, with {allow}={name} in the environment."
)
_WITHHELD = (
    "{where} names the endpoint {place}, and your key in {variable} was not sent there: a repository can name any "
    "address. If the key is meant for it, name it yourself, with --api-base {place} or {endpoints}={start} in the "
    "environment; if it needs none, unset {variable}."
)
_NO_ADDRESS = f"{ENDPOINTS} holds {{value!r}}, which is no address; one looks like https://models.example.org"


def keyed(
    settings: Settings, environment: Mapping[str, str], *, text: str | None, given: str, model: str = ""
) -> Settings:
    """The settings with the user's key. `text` is the repository's file, `given` the address on the command line and
    `model` the model. Raises `Refused` when a key would go where only the file says, and when weights that only the
    file names would be fetched and served, `Misconfigured` when nothing would be asked at `given`."""
    for row in (*rows(settings), *beside(settings)):
        told = withheld(row, settings, environment, text=text, given=given) or _unasked(row, model, environment)
        if told:
            raise Refused(told)
    _fetchable(settings.embedding_model, environment)
    require_used(settings, given, "--api-base")
    return replace(settings, api_key=key_from(environment, settings))


def keyed_for_vectors(settings: Settings, environment: Mapping[str, str], *, text: str | None, given: str) -> Settings:
    """The same where vectors are made, or none, and no model is asked for anything else."""
    name = settings.embedding_model
    _fetchable(name, environment)
    row = of_vectors(settings)[1] if name and not is_local(name) else None
    if row is None:  # no key goes there
        return settings
    if told := withheld(row, settings, environment, text=text, given=given):
        raise Refused(told)
    return replace(settings, api_key=key_from(environment, settings))


def _fetchable(vectors: str, environment: Mapping[str, str]) -> None:
    if is_local(vectors) and named(vectors).hub and not _wanted(vectors, environment):
        raise Refused(_UNASKED_VECTORS.format(name=vectors, allow=LOCAL_MODELS))


def withheld(row: Row, settings: Settings, environment: Mapping[str, str], *, text: str | None, given: str) -> str:
    """Why this model gets no key of the user's; "" when it may have one, or there is none."""
    address = row.settings.api_base
    if row.via or not address:
        return ""
    check_address(address)
    if meant(address, given, environment):
        return ""
    variable = next((v for v in row.variables if v.startswith(_OURS) and read(environment, [v])), "")
    if not variable:
        return ""
    own = row.name in settings.providers
    place: Place = ("providers", row.name, "api_base") if own else ("api_base",)
    scheme, host, port = origin(address)
    return _WITHHELD.format(
        where=read_yaml(text, FILE).where(place) if text else FILE,
        place=row.place,
        variable=variable,
        endpoints=ENDPOINTS,
        start=f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}",
    )


def _unasked(row: Row, model: str, environment: Mapping[str, str]) -> str:
    """Gigabytes of a stranger's choice are not fetched because his repository says so."""
    name = row.settings.model
    if row.settings.api_base or not is_local(name) or name == model:
        return ""
    return "" if _wanted(name, environment) else _UNASKED.format(name=name, allow=LOCAL_MODELS)


def _wanted(name: str, environment: Mapping[str, str]) -> bool:
    allowed = {part.strip() for part in environment.get(LOCAL_MODELS, "").split(",")}
    return bool(allowed & {"*", name})


def meant(address: str, given: str, environment: Mapping[str, str]) -> bool:
    """Whether the user said that keys may go there: on the command line (`given`), or in the environment."""
    if given:
        check_address(given)
    named = [part for part in map(str.strip, environment.get(ENDPOINTS, "").split(",")) if part]
    return origin(address) in {origin(given), *map(_origin, named)}


def _origin(address: str) -> tuple[str, str, int]:
    """Of an address that stands in the variable."""
    try:
        found = origin(address)
    except ValueError:
        found = ("", "", 0)
    if found[0] not in {"http", "https"} or not found[1]:
        raise Misconfigured(_NO_ADDRESS.format(value=address))
    return found
