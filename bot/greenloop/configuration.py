"""YAML and flags → `Settings`: the door at which settings are checked, once. Nobody checks them again behind it.

Nothing set costs nothing: without a file neither `yaml` nor `pydantic` is imported.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import MISSING, Field, dataclass, fields, replace
from difflib import get_close_matches
from types import MappingProxyType
from typing import Any, NoReturn

from greenloop import setting_rules
from greenloop.errors import Misconfigured
from greenloop.setting_values import CommandCheck, Criteria, Prices, ProviderRow
from greenloop.settings import FILE, Settings
from greenloop.yaml_document import Document, Place, read

UNKNOWN = "{where}: unknown setting `{key}`. {hint}"
NEAREST = "Did you mean `{near}`?"
KNOWN = "Known here: {known}."
WRONG_TYPE = "{where}: `{key}` must be {expected}, not {got}. Example: `{example}`"
MISSING_PART = "{where}: `{key}` lacks `{part}`. Example: `{example}`"
KEY_IN_FILE = (
    "{where}: `api_key` does not belong in the repository. Remove it, revoke the key if it was ever pushed, and "
    "use GREENLOOP_API_KEY in the environment, or the action's input `api_key` from a secret."
)
_MOST = 10  # problems told at once
_FLAGS: Mapping[str, str] = MappingProxyType({"checks": "--check"})
_MAPPINGS = ("commands", "command_names", "models", "permissions", "providers")
_EXPECTED: Mapping[str, str] = MappingProxyType(
    {
        "int": "a whole number",
        "float": "a number",
        "string": "text",
        "bool": "`true` or `false`",
        "tuple": "a list",
        "dict": "a mapping of names",
        "mapping": "a mapping of names",
        "dataclass": "a mapping of names",
    }
)


def flag(key: str) -> str:
    """A setting as the command line has it."""
    return _FLAGS.get(key, "--" + key.replace("_", "-"))


def load(
    text: str | None,
    *,
    name: str = FILE,
    overrides: Mapping[str, Any] = MappingProxyType({}),
    called: Callable[[str], str] = flag,
) -> Settings:
    """The defaults, changed by the file's text and then by flags. Raises `Misconfigured` with line or flag; `called`
    tells how whoever gave an override knows it."""
    document = read(text, name) if text and text.strip() else Document(name=name)
    source = _Source(document, {key: _parsed(key, value) for key, value in overrides.items()}, called)
    if "api_key" in document.data:
        raise Misconfigured(KEY_IN_FILE.format(where=document.where(("api_key",))))
    settings = Settings(**source.flags) if not document.data and source.settled() else _validated(source)
    frozen: dict[str, Any] = {name: MappingProxyType(dict(getattr(settings, name))) for name in _MAPPINGS}
    settings = setting_rules.normalised(replace(settings, **frozen))
    for place, problem in setting_rules.problems(settings):
        raise Misconfigured(f"{source.where(place)}: {problem}")
    return settings


@dataclass(frozen=True, slots=True)
class _Source:
    """Where each value came from; a flag wins over the file."""

    document: Document
    flags: Mapping[str, Any]
    called: Callable[[str], str]

    def data(self) -> dict[str, Any]:
        """A model that is given as a flag is also the one for changes, whatever the file names for them."""
        made = {**self.document.data, **self.flags}
        if self.flags.get("model") and "models" not in self.flags and isinstance(made.get("models"), dict):
            made["models"] = {task: name for task, name in made["models"].items() if task != "edit"}
        return made

    def where(self, place: Place) -> str:
        key = str(place[0])
        if key in self.flags:
            return self.called(key)
        return self.document.where(place)

    def settled(self) -> bool:
        """Whether the flags plainly have their fields' types, so that nothing is left for pydantic to find."""
        plain: dict[str, Any] = {"str": str, "int": int, "float": (int, float), "bool": bool, "tuple[str, ...]": tuple}
        known = _known()
        return all(
            key in known
            and isinstance(value, plain.get(_kind(known[key]), ()))
            and (_kind(known[key]) == "bool" or not isinstance(value, bool))
            and (not isinstance(value, tuple) or all(isinstance(item, str) for item in value))
            for key, value in self.flags.items()
        )


def _known() -> dict[str, Field[Any]]:
    return {f.name: f for f in fields(Settings)}


def _kind(option: Field[Any]) -> str:
    return str(option.type)


def _parsed(key: str, value: Any) -> Any:  # noqa: ANN401 - a flag's value of any type
    """A flag's text as YAML would read it: the command line and the action's inputs know only texts."""
    option = _known().get(key)
    if not isinstance(value, str) or option is None or _kind(option) == "str":
        return value
    try:
        return json.loads(value, parse_constant=lambda _: value)
    except ValueError:
        return value


def _validated(source: _Source) -> Settings:
    from pydantic import TypeAdapter, ValidationError

    try:
        # As JSON, because there a list may become a tuple while every scalar still has to have its own type.
        return TypeAdapter(Settings).validate_json(json.dumps(source.data()))
    except ValidationError as error:
        _refuse(source, error.errors(include_url=False))


def _refuse(source: _Source, errors: Iterable[Any]) -> NoReturn:
    told = [_sentence(source, error["type"], error["loc"], error["input"]) for error in errors]
    more = [f"… and {len(told) - _MOST} more."] if len(told) > _MOST else []
    raise Misconfigured("\n".join(told[:_MOST] + more)) from None


def _sentence(source: _Source, kind: str, place: Place, value: Any) -> str:  # noqa: ANN401 - whatever stood there
    where, key = source.where(place), ".".join(map(str, place))
    if kind == "unexpected_keyword_argument":
        return UNKNOWN.format(where=where, key=key, hint=_hint(place))
    example = _known()[str(place[0])].metadata.get("example", "")
    if kind == "missing":
        outer = ".".join(map(str, place[:-1]))
        return MISSING_PART.format(where=where, key=outer, part=place[-1], example=example)
    expected = _EXPECTED.get(kind.split("_", maxsplit=1)[0], "different")
    return WRONG_TYPE.format(where=where, key=key, expected=expected, got=_shown(value), example=example)


def _hint(place: Place) -> str:
    kinds = {"commands": CommandCheck, "criteria": Criteria, "prices": Prices, "providers": ProviderRow}
    owner = Settings if len(place) == 1 else Prices if len(place) == 4 else kinds[str(place[0])]
    known = [f.name for f in fields(owner) if f.name != "api_key"]
    near = get_close_matches(str(place[-1]).lower().replace("-", "_"), known, n=1, cutoff=0.6)
    return NEAREST.format(near=near[0]) if near else KNOWN.format(known=", ".join(known))


def _shown(value: Any) -> str:  # noqa: ANN401 - whatever stood there
    if value is None:
        return "nothing"
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    text = json.dumps(value, ensure_ascii=False)
    return f"`{text if len(text) <= 60 else text[:59] + '…'}`"


def options_table() -> str:
    """The README's table, in the order of the fields."""
    rows = [f"| `{f.name}` | {_default(f)} | {f.metadata['doc']} |" for f in fields(Settings) if f.name != "api_key"]
    return "\n".join(["| option | default | what |", "| --- | --- | --- |", *rows])


def _default(option: Field[Any]) -> str:
    value = option.default if option.default is not MISSING else None
    if value in (None, "", ()):
        return ""
    if isinstance(value, tuple):
        return f"`[{', '.join(value)}]`"
    return f"`{json.dumps(value)}`"
