"""Which environment variable holds the key for which provider. A key goes to its own provider and to nobody else."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

from greenloop.settings import Settings

OURS = "GREENLOOP_API_KEY"

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


def key_from(environment: Mapping[str, str], settings: Settings) -> str:
    """The key to use: the one in the settings, or the first variable that holds one; "" when there is none."""
    if settings.api_key:
        return settings.api_key
    return next((environment[name].strip() for name in variables(settings) if environment.get(name, "").strip()), "")
