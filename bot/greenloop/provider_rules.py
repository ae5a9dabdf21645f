"""What the settings about models must keep to beyond their types. Pure: a `Settings` in, problems out."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator

from greenloop.setting_values import ProviderRow
from greenloop.settings import Settings
from greenloop.yaml_document import Place

TASKS = ("edit", "chat", "review")
FORMATS = ("openai", "anthropic", "ollama")
EDIT_FORMATS = ("auto", "any", "whole", "search", "diff")
EDIT_FORMAT = "`edit_format` must be `auto`, `any`, `whole`, `search` or `diff`, not `{value}`."
TASK = "`models.{task}`: there is no such task. There are: `edit`, `chat`, `review`."
NAME = "`providers.{name}`: a name is 1 to 40 letters, digits, `-`, `_` or `.`."
NOWHERE = "`providers.{name}` has neither `model` nor `api_base`, so it names no model."
FORMAT = "`providers.{name}.format` must be `openai`, `anthropic` or `ollama`, not `{value}`."
NO_BASE = "`providers.{name}.format` is for an endpoint of your own. Add `api_base: …`."
ADDRESS = "`providers.{name}.api_base` must be an address such as `http://127.0.0.1:8000/v1`, not `{value}`."
VARIABLE = "`providers.{name}.keys` holds `{value}`, which is no variable's name. A key does not belong here."
NUMBER = "`providers.{name}.{part}` must be zero or more, not {value}."
EMPTY = "`{key}` names an empty model."

_NAME = re.compile(r"[A-Za-z0-9_.-]{1,40}")
_VARIABLE = re.compile(r"[A-Z][A-Z0-9_]{0,99}")
_ADDRESS = re.compile(r"https?://[^\s/@?#]+(/[^\s@?#]*)?")


def problems(settings: Settings) -> Iterator[tuple[Place, str]]:
    if settings.edit_format not in EDIT_FORMATS:
        yield ("edit_format",), EDIT_FORMAT.format(value=settings.edit_format[:40])
    for task, model in settings.models.items():
        if task not in TASKS:
            yield ("models", task), TASK.format(task=task)
        elif not model.strip():
            yield ("models", task), EMPTY.format(key=f"models.{task}")
    for key, models in (("fallback_models", settings.fallback_models), ("candidate_models", settings.candidate_models)):
        for i, model in enumerate(models):
            if not model.strip():
                yield (key, i), EMPTY.format(key=key)
    for name, row in settings.providers.items():
        yield from ((("providers", name, *place), words) for place, words in _row(name, row))


def _row(name: str, row: ProviderRow) -> Iterator[tuple[Place, str]]:
    if not _NAME.fullmatch(name):
        yield (), NAME.format(name=name)
    if not row.model and not row.api_base:
        yield (), NOWHERE.format(name=name)
    if row.format not in FORMATS:
        yield ("format",), FORMAT.format(name=name, value=row.format)
    elif row.format != "openai" and not row.api_base:
        yield ("format",), NO_BASE.format(name=name)
    if row.api_base and not _ADDRESS.fullmatch(row.api_base):
        yield ("api_base",), ADDRESS.format(name=name, value=row.api_base)
    for i, variable in enumerate(row.keys):
        if not _VARIABLE.fullmatch(variable):
            yield ("keys", i), VARIABLE.format(name=name, value=variable[:20])
    yield from _numbers(name, row)


def _numbers(name: str, row: ProviderRow) -> Iterator[tuple[Place, str]]:
    numbers = {part: getattr(row, part) for part in ("context_tokens", "requests_per_minute", "tokens_per_minute")}
    if row.prices:
        numbers |= {"prices.input": row.prices.input, "prices.output": row.prices.output}
    for part, value in numbers.items():
        if not math.isfinite(value) or value < 0:
            yield tuple(part.split(".")), NUMBER.format(name=name, part=part, value=value)
