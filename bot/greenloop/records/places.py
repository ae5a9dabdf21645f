"""Where a machine keeps what outlives a run. The one thing that a repository has no word in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """The folders of what outlives a run: `state` is worth keeping, `cache` can be made again."""

    state: Path
    cache: Path

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> Places:
        """GREENLOOP_STORE for both, else by the XDG rules, in which a path that is not absolute does not count."""
        given = environment.get("GREENLOOP_STORE", "").strip()
        if given:
            return cls(state=Path(given).absolute(), cache=Path(given).absolute())
        home = environment.get("HOME") or str(Path.home())

        def place(name: str, otherwise: str) -> Path:
            base = Path(environment.get(name, "").strip() or ".")
            return (base if base.is_absolute() else Path(home) / otherwise) / "greenloop"

        return cls(state=place("XDG_STATE_HOME", ".local/state"), cache=place("XDG_CACHE_HOME", ".cache"))
