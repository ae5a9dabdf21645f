"""The settings that are mappings themselves: a check of one's own, prices, a model under a name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

# Read by pydantic alone, when a file is validated: no unknown names, and "4" is no number.
STRICT: Mapping[str, Any] = {"extra": "forbid", "strict": True}


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandCheck:
    """A check that is any program of the repository's own."""

    __pydantic_config__: ClassVar[Mapping[str, Any]] = STRICT

    run: str  # split like a shell splits words; there is no shell
    report: str = ""  # file it writes, relative to the directory it runs in, or a pattern of several; "" for none
    format: str = "exit"  # "junit" | "sarif" | "jest" | "go" | "cargo" | "exit"
    timeout: float = 600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Criteria:
    """What is measured beside tests, lint and security. What has no limit is reported and decides nothing."""

    __pydantic_config__: ClassVar[Mapping[str, Any]] = STRICT

    types: bool = True  # mypy or pyright, where the project configures it and its environment has it
    complexity: int | None = None  # ways through a changed function, at most
    time: float | None = None  # seconds of the tests and the benchmark: 0.2 is a fifth longer than on the base
    memory: float | None = None  # their peak, likewise
    coverage: float | None = None  # per cent of the changed statements that the tests have to run
    benchmark: str = ""  # a command, run before and after on what is green otherwise


@dataclass(frozen=True, slots=True, kw_only=True)
class Prices:
    """US dollars per million tokens, for a model that has no public price."""

    __pydantic_config__: ClassVar[Mapping[str, Any]] = STRICT

    input: float
    output: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderRow:
    """A model under a name of one's own: where it is, how it is spoken to, what it allows."""

    __pydantic_config__: ClassVar[Mapping[str, Any]] = STRICT

    model: str = ""  # as its endpoint knows it; without `api_base`, `provider/name`
    api_base: str = ""
    format: str = "openai"  # "openai" | "anthropic" | "ollama"
    keys: tuple[str, ...] = ()  # environment variables, GREENLOOP_KEY_… or the provider's usual ones
    context_tokens: int = 0  # the model's context length; 0 when it is not known
    prices: Prices | None = None
    requests_per_minute: float = 0.0  # 0 for no limit
    tokens_per_minute: float = 0.0
