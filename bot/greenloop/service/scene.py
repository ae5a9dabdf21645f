"""All that is known when a permitted request has been understood, as one value."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from greenloop.action.inputs import Inputs, Runner
from greenloop.domain import Request
from greenloop.forge.github import GitHub, Repository
from greenloop.orders import Words
from greenloop.service.told import Told
from greenloop.settings import Settings
from greenloop.workspace import Remote


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """`payload` is what the event said when it happened."""

    request: Request
    payload: Mapping[str, Any]
    inputs: Inputs
    runner: Runner
    github: GitHub
    repository: Repository
    settings: Settings
    words: Words
    told: Told
    clock: Callable[[], float] = time.time

    @property
    def remote(self) -> Remote:
        return Remote(url=self.repository.clone_url, token=self.inputs.token)

    @property
    def temp(self) -> Path:
        return self.runner.temp

    @property
    def page(self) -> str:
        """The address of the repository for people."""
        return f"{self.runner.server_url}/{self.request.repository}"
