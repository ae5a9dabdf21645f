"""Which environment variable holds the key for which provider. A key goes to its own provider and to nobody else."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from urllib.parse import urlsplit

from greenloop.errors import Misconfigured
from greenloop.settings import Settings

OURS = "GREENLOOP_API_KEY"
FOR_ROWS = "GREENLOOP_KEY_"  # how variables begin that a row of `providers` may name
_LONGEST = 64 * 1024  # characters of a file of keys

# The provider's usual variables, by the first word of litellm's `provider/name`; others are called NAME_API_KEY.
_BY_PROVIDER = {
    "anthropic": ("ANTHROPIC_API_KEY",),
    "azure": ("AZURE_API_KEY",),
    "bedrock": ("AWS_BEARER_TOKEN_BEDROCK",),
    "gemini": ("GEMINI_API_KEY", "GOOGLE_API_KEY"),
    "huggingface": ("HF_TOKEN",),
    "openai": ("OPENAI_API_KEY",),
    "together_ai": ("TOGETHERAI_API_KEY",),
}
# first words of `provider/name` by which a model is told from one that an endpoint calls `somebody/name`
_OTHERS = (
    "azure_ai cerebras cohere databricks deepseek fireworks_ai groq hosted_vllm mistral nvidia_nim openrouter "
    "perplexity sagemaker sambanova vertex_ai watsonx xai"
)
PROVIDERS = frozenset({*_BY_PROVIDER, *_OTHERS.split()})
_KEYLESS = frozenset({"ollama", "ollama_chat", "vertex_ai", "sagemaker"})

# The same by host, for `api_base`: an endpoint of unknown name is never sent the key of a known one.
_BY_HOST = {
    "api.anthropic.com": ("ANTHROPIC_API_KEY",),
    "api.deepseek.com": ("DEEPSEEK_API_KEY",),
    "api.groq.com": ("GROQ_API_KEY",),
    "api.mistral.ai": ("MISTRAL_API_KEY",),
    "api.openai.com": ("OPENAI_API_KEY",),
    "api.together.xyz": ("TOGETHER_API_KEY", "TOGETHERAI_API_KEY"),
    "generativelanguage.googleapis.com": ("GEMINI_API_KEY", "GOOGLE_API_KEY"),
    "openrouter.ai": ("OPENROUTER_API_KEY",),
    "router.huggingface.co": ("HF_TOKEN",),
}


# every variable of the two tables, and the file that may stand for each
_VARIABLES = {name for table in (_BY_PROVIDER, _BY_HOST) for names in table.values() for name in names}
USUAL = frozenset({*_VARIABLES, *(f"{name}_FILE" for name in _VARIABLES)})


def split(text: str) -> tuple[str, ...]:
    """Several keys stand beside each other with commas between them."""
    return tuple(dict.fromkeys(part for part in (each.strip() for each in text.split(",")) if part))


def variables(settings: Settings) -> tuple[str, ...]:
    """The variables that may hold the key for these settings, the first that is set wins."""
    if settings.api_base:
        return (OURS, *_of_address(settings.api_base))
    provider = settings.model.partition("/")[0].lower()
    usual = () if provider in _KEYLESS or not provider else (f"{provider.upper()}_API_KEY",)
    return (OURS, *_BY_PROVIDER.get(provider, usual))


def _of_address(address: str) -> tuple[str, ...]:
    """Only over TLS: a well-known host over plain HTTP is not who it says."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return ()
    return _BY_HOST.get(parts.hostname or "", ()) if parts.scheme == "https" else ()


def read(environment: Mapping[str, str], names: Iterable[str]) -> str:
    """What the first of these variables holds, or the file that NAME_FILE names, one key a line; "" when there is none.
    Raises `Misconfigured` for a file that cannot be read."""
    for name in names:
        if environment.get(name, "").strip():
            return environment[name].strip()
        path = environment.get(f"{name}_FILE", "").strip()
        if path:
            try:
                with Path(path).open(encoding="utf-8", errors="replace") as file:
                    return ",".join(file.read(_LONGEST).split())
            except OSError as error:
                raise Misconfigured(f"{name}_FILE names {path}, which cannot be read: {error.strerror}.") from None
    return ""
