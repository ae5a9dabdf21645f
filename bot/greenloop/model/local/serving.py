"""The models that a run serves itself. Cheap while there is none: everything else is imported with the first."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from threading import Event, Lock
from types import TracebackType
from typing import TYPE_CHECKING, Self

from greenloop.ports import OnProgress, Progress
from greenloop.settings import Settings

if TYPE_CHECKING:
    from greenloop.model.local.facts import Machine
    from greenloop.model.local.loading import Around
    from greenloop.model.local.served import Served

PHASE = "loading"


class Serving:
    """All the servers of a run; none outlives the `with` block. `progress` is told from the thread that waits."""

    def __init__(
        self,
        folder: Path,
        environment: Mapping[str, str],
        *,
        progress: OnProgress = lambda _: None,
        machine: Callable[[], Machine] | None = None,
    ) -> None:
        self._progress = progress
        self._folder, self._environment, self._machine = folder, environment, machine
        self._stopped = Event()
        self._lock = Lock()
        self._models: dict[str, Served] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def model(self, settings: Settings) -> Served:
        """One server for one name, however often it is asked for. Raises `Misconfigured`."""
        from greenloop.model.local.served import Served  # noqa: PLC0415 - where one is asked for

        with self._lock:
            if settings.model not in self._models:
                self._models[settings.model] = Served(settings, self)
            return self._models[settings.model]

    def tell(self, progress: OnProgress) -> None:
        """Whom to tell how far loading is."""
        self._progress = progress

    def say(self, words: str) -> None:
        self._progress(Progress(phase=PHASE, detail=words))

    def close(self) -> None:
        self._stopped.set()
        for model in self._models.values():
            model.end()

    def around(self, log: Path, tell: Callable[[str], None]) -> Around:
        from greenloop.model.local.hardware import here  # noqa: PLC0415 - as above
        from greenloop.model.local.loading import Around  # noqa: PLC0415 - as above
        from greenloop.model.local.store import Store  # noqa: PLC0415 - as above

        return Around(
            machine=self._machine or here,
            environment=self._environment,
            store=Store(self._folder / "models", self._environment, self._stopped),
            log=log,
            stopped=self._stopped,
            tell=tell,
        )
