"""The settings: one frozen value, built once. Defaults < the repository's `.github/greenloop.yml` < the command line.

The field metadata is the documentation: the README's table, `greenloop init` and every error message are made of it.
Reading the YAML is `configuration.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, ClassVar

from greenloop.setting_values import STRICT, CommandCheck, Criteria, Prices, ProviderRow

FILE = ".github/greenloop.yml"
# settings that the command line and the action's inputs can give as well, by these names
GIVEN = (
    "model",
    "api_base",
    "attempts",
    "candidates",
    "max_cost",
    "max_tokens",
    "max_minutes",
    "test_command",
    "install_command",
    "directory",
)


def _option(default: Any, doc: str, example: str) -> Any:  # noqa: ANN401 - a dataclass field of any type
    """A field with its documentation: what it is (one sentence), and an example as it stands in YAML."""
    if isinstance(default, dict):
        empty: Mapping[str, Any] = MappingProxyType(default)
        return field(default_factory=lambda: empty, metadata={"doc": doc, "example": example})
    return field(default=default, metadata={"doc": doc, "example": example})


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything that can be set. Immutable; `dataclasses.replace` makes another one."""

    __pydantic_config__: ClassVar[Mapping[str, Any]] = STRICT

    model: str = _option(
        "",
        "The model: `provider/name` through litellm, or the name that the endpoint at `api_base` knows.",
        "model: anthropic/claude-sonnet-5",
    )
    api_base: str = _option(
        "",
        "Address of an OpenAI-compatible endpoint (vLLM, llama.cpp, Ollama, LM Studio); spoken to directly.",
        "api_base: http://127.0.0.1:8000/v1",
    )
    api_key: str = field(default="", repr=False)  # from the environment or an input only, never from YAML
    models: Mapping[str, str] = _option(
        {},
        "The model by task, where it is not `model`: `edit` for changes, `chat` for answers in words, `review` for "
        "reviews (else as for `edit`). A model given as a flag or input is the one for changes.",
        "models: {edit: anthropic/claude-sonnet-5, chat: small}",
    )
    fallback_models: tuple[str, ...] = _option(
        (),
        "Models to ask, in this order, when the first one cannot be had: names under `providers`, `provider/name`, or "
        "another model of the same endpoint.",
        "fallback_models: [local, anthropic/claude-sonnet-5]",
    )
    providers: Mapping[str, ProviderRow] = _option(
        {},
        "Models under names of your own: `model`, `api_base`, `format` (`openai`, `anthropic`, `ollama`), `keys` "
        "(variables), `context_tokens`, `prices`, `requests_per_minute`, `tokens_per_minute`.",
        "providers: {local: {model: qwen2.5-coder, api_base: http://127.0.0.1:11434, format: ollama}}",
    )
    edit_format: str = _option(
        "auto",
        "How the model is asked to write its edits: `any`, `whole` (files), `search` (SEARCH/REPLACE), `diff`; `auto`: "
        "as `greenloop doctor --model`, or what came of its answers, says on this machine, else `any`.",
        "edit_format: whole",
    )
    only_endpoint: str = _option(
        "",
        "The one place that this repository's code may be sent to: the address of an endpoint, a provider, or a name "
        "under `providers`. Every other model is refused, also one that makes vectors, and a `vector_store` that is "
        "neither on its host nor on this machine.",
        "only_endpoint: http://127.0.0.1:8000/v1",
    )
    candidates: int = _option(
        1,
        "How many first proposals are asked for at once, from the same prompt. Each is judged; the checks choose, then "
        "agreement on the tests, then the smallest change. Together they count as one attempt.",
        "candidates: 3",
    )
    candidate_models: tuple[str, ...] = _option(
        (),
        "Models that take turns with `model` at these proposals, named as in `fallback_models`; none: `model` alone, "
        "at rising temperatures.",
        "candidate_models: [local, anthropic/claude-sonnet-5]",
    )
    attempts: int = _option(4, "How many judged attempts a run may make.", "attempts: 4")
    max_cost: float = _option(
        2.0,
        "US dollars that a run may spend; a model without a price is bounded by `max_tokens` alone.",
        "max_cost: 2.0",
    )
    max_tokens: int = _option(400_000, "Tokens, in and out, that a run may use.", "max_tokens: 400000")
    max_minutes: float = _option(
        60.0,
        "Wall-clock minutes after which nothing more is asked; what is being checked then is checked to its end.",
        "max_minutes: 60",
    )
    max_calls: int = _option(40, "Calls of the model that a run may make, useless answers included.", "max_calls: 40")
    daily_cost: float | None = _option(
        None, "US dollars that one requester may spend a day (UTC), over all runs.", "daily_cost: 5.0"
    )
    daily_tokens: int | None = _option(
        None, "Tokens, in and out, that one requester may use a day (UTC).", "daily_tokens: 2000000"
    )
    monthly_cost: float | None = _option(
        None,
        "US dollars that this repository may spend a calendar month (UTC), whoever asks.",
        "monthly_cost: 100.0",
    )
    monthly_tokens: int | None = _option(
        None, "Tokens, in and out, that this repository may use a calendar month (UTC).", "monthly_tokens: 40000000"
    )
    load_minutes: float = _option(
        30.0,
        "How long a model that is served here (`model: local/…`) may take to load, after its weights were fetched.",
        "load_minutes: 30",
    )
    max_output: int = _option(8192, "Tokens that one answer may have.", "max_output: 8192")
    context_tokens: int = _option(
        24_000, "Tokens of one prompt at most; what does not fit is left out whole and named.", "context_tokens: 24000"
    )
    lookups: int = _option(
        6,
        "How many answers of a run may be questions about the repository (lines, definitions, uses, history, a snippet "
        "or a test to run) instead of edits; 0: none.",
        "lookups: 6",
    )
    lookup_tokens: int = _option(
        4000, "Tokens of one prompt that the answers to such questions may take.", "lookup_tokens: 4000"
    )
    snippet_tokens: int = _option(
        12_000, "Tokens of one prompt for what a search finds, beside what is named.", "snippet_tokens: 12000"
    )
    knowledge: tuple[str, ...] = _option(
        (),
        "What tells how things are done (designs, snippets), quoted with its source: files and folders of the "
        "repository, and addresses of others, `https://host/owner/name[@ref][:folder]`; see below.",
        "knowledge: [docs/design, 'https://github.com/acme/guidelines@v1:python']",
    )
    prices: Prices | None = _option(  # noqa: RUF009 - a frozen default
        None, "US dollars per million tokens, for a model without a public price.", "prices: {input: 0.5, output: 1.5}"
    )
    cache_days: float = _option(
        7.0,
        "Days for which a complete answer is given again to an identical request, for nothing; 0: none is kept.",
        "cache_days: 7",
    )
    cache_megabytes: float = _option(64.0, "Megabytes of answers that are kept, newest first.", "cache_megabytes: 64")
    embedding_model: str = _option(
        "",
        "A model that makes vectors of the code; none: words alone. `local/…` (of the Hugging Face hub, or a folder) "
        "runs in greenloop's own process, with the extra `embeddings`. What it reads counts in the limits, and is at "
        "most a fourth of a run's `max_tokens`; `greenloop index` is not bounded by those of a run.",
        "embedding_model: text-embedding-3-small",
    )
    embedding_base: str = _option(
        "",
        "Address of the endpoint for it (OpenAI's `/embeddings` or Hugging Face's feature extraction), when it is not "
        "`api_base`; the key goes to the model's own host only.",
        "embedding_base: http://127.0.0.1:8080/v1",
    )
    vector_store: str = _option(
        "",
        "Address of a Qdrant server that keeps the vectors of many repositories, without their text; none: in the "
        "index itself.",
        "vector_store: http://qdrant.internal:6333",
    )
    checks: tuple[str, ...] = _option(
        ("ruff", "pytest", "bandit", "integrity"),
        "The checks, in order: `ruff`, `pytest`, `bandit`, `integrity` (what a change does to the checks themselves), "
        "and names under `commands`. Where it is not set, these four and then all of `commands`.",
        "checks: [ruff, pytest, bandit, integrity]",
    )
    criteria: Criteria | None = _option(  # noqa: RUF009 - a frozen default
        None,
        "What is measured beside `checks`, reported, and decides where it has a limit: `types` (mypy or pyright that "
        "the project has; `false`: not), `coverage` (per cent of the changed lines that the tests run, at least), "
        "`complexity` (of a changed function, at most), `time` and `memory` (of the tests and of `benchmark`, a "
        "command: 0.2 is a fifth more).",
        "criteria: {coverage: 80, complexity: 10, time: 0.2, benchmark: python bench.py}",
    )
    tests: str = _option(
        "auto",
        "Whether a test that shows the request is written: `first`, in an answer of its own, and kept when it fails on "
        "the base for the right reason; `after`, with the change; `never`. `auto`: `first` for what reads like a "
        "defect that no test shows yet, else `after`.",
        "tests: first",
    )
    commands: Mapping[str, CommandCheck] = _option(
        {},
        "Checks of the repository's own: `run`, and what comes of it: a file (`junit`, `sarif`, `jest`), what `go test "
        "-json` or `cargo test` prints (`go`, `cargo`), or only an `exit` code.",
        "commands: {jest: {run: npx jest, report: junit.xml, format: junit}}",
    )
    test_command: str = _option(
        "",
        "How the tests are run; default `python -m pytest`. Split into words as a shell does; there is no shell.",
        "test_command: python -m pytest tests",
    )
    test_timeout: float = _option(600.0, "Seconds that one run of the tests may take.", "test_timeout: 600")
    install_command: str = _option(
        "",
        "How the target's dependencies are installed, with the network on but without the credentials of a private "
        "index; default: by its lock file or manifest, `none`: not at all.",
        "install_command: pip install -e .[dev]",
    )
    advisories: str = _option(
        "",
        "Address of a service that speaks OSV's API; it is told name and version of each dependency that an attempt "
        "adds, and its answer is listed. Without one they are `not checked`.",
        "advisories: https://api.osv.dev",
    )
    directory: str = _option(
        "", "The package inside a monorepo that commands run in, relative to the root.", "directory: packages/uploader"
    )
    allow: tuple[str, ...] = _option(
        (),
        "Patterns of protected paths that may be changed: existing tests, check configuration, CI files.",
        "allow: ['tests/**']",
    )
    paths: tuple[str, ...] = _option(
        (),
        "Patterns of paths that may be changed at all; empty means every path that is not protected.",
        "paths: ['src/**', 'tests/**']",
    )
    never_send: tuple[str, ...] = _option(
        (),
        "Patterns of paths whose text is never sent to a model, beside what looks like a secret.",
        "never_send: ['customers/**']",
    )
    memory: int = _option(4096, "Megabytes of memory that a check may use.", "memory: 4096")
    processes: int = _option(256, "Processes and threads that a check may have.", "processes: 256")
    disk: int = _option(2048, "Megabytes that a check may write.", "disk: 2048")
    tidy: bool = _option(
        True, "Whether ruff's safe fixes and formatter run on the changed lines before the checks.", "tidy: true"
    )
    resolve_threads: bool = _option(
        False,
        "Whether a review's thread is resolved when the diff or a check shows that it is done.",
        "resolve_threads: false",
    )
    forks: str = _option(
        "patch",
        "What comes of work on a fork's pull request: `patch` (in the comment), `pull_request` (a branch and a pull "
        "request here), `push` (commits on the fork's branch, where the contributor and the token allow it).",
        "forks: patch",
    )
    signing: str = _option(
        "none",
        "How commits are signed: `github` (GitHub makes them again at the end of a run; plain files only), `ssh` (with "
        "the action's `signing_key`), `none`.",
        "signing: github",
    )
    sign_off: bool = _option(False, "Whether commits carry `Signed-off-by` of the requester (DCO).", "sign_off: false")
    command_names: Mapping[str, str] = _option(
        {}, "What commands are called in comments, without the `/`.", "command_names: {generate: fix}"
    )
    commands_off: tuple[str, ...] = _option((), "Commands that are switched off.", "commands_off: [evaluate]")
    permissions: Mapping[str, str] = _option(
        {},
        "The access that a command takes: `write` (default), `maintain` or `admin`; `triage` for those that change "
        "nothing.",
        "permissions: {evaluate: triage, generate: maintain}",
    )
    title_style: str = _option(
        "auto",
        "`auto`: a pull request's title is written as people write those that were merged here (type, key of an issue, "
        "first letter, full stop); `plain`: it is the summary as it stands.",
        "title_style: auto",
    )
    labels: tuple[str, ...] = _option((), "Labels that a pull request of ours gets.", "labels: [greenloop]")
    reviewers: tuple[str, ...] = _option(
        ("requester",),
        "Who is asked to review it: `requester`, `codeowners` (of the changed files), logins, or `organisation/team`.",
        "reviewers: [requester, codeowners]",
    )
    branch: str = _option(
        "greenloop/{about}-{slug}-{key}",
        "What a branch of ours on GitHub is called: `{about}` is `issue-12` or `run`, `{slug}` words of the request; "
        "`{command}`, `{requester}`, and `{key}`, which has to be there.",
        "branch: 'bots/{requester}/{slug}-{key}'",
    )
    check_runs: bool = _option(
        True,
        "Whether each attempt gets a check run with annotations, when the token may (`checks: write`).",
        "check_runs: true",
    )
    code_scanning: bool = _option(
        False,
        "Whether new findings are uploaded to code scanning as well; takes `security-events: write`.",
        "code_scanning: false",
    )
    label: str = _option(
        "greenloop",
        "The label that makes an issue a request when somebody puts it there; empty: none does.",
        "label: greenloop",
    )
