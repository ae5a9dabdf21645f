"""What the ready-made rows say about a model that is named `local/…`, where nobody has found out more."""

from __future__ import annotations

from dataclasses import replace

from greenloop.model.local.names import is_local, named
from greenloop.settings import Settings


def context_of(model: str) -> int:
    """Tokens; 0 where no row tells. Raises `Misconfigured`."""
    from greenloop.model.local.facts import known  # noqa: PLC0415 - reads the table

    row = known(named(model).hub)
    return row.context if row else 0


def asked(settings: Settings) -> Settings:
    """The edit format of the family, where none is set and `greenloop doctor` has not found one."""
    if settings.edit_format != "auto" or settings.api_base or not is_local(settings.model):
        return settings
    from greenloop.model.local.facts import known  # noqa: PLC0415 - as above

    row = known(named(settings.model).hub)
    return replace(settings, edit_format=row.edit_format) if row else settings
