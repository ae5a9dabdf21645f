"""`local/…` as a model like any other: loaded beside other work, awaited with a deadline of its own, started again when
it dies, ended with the run."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp
from threading import Lock

from greenloop.errors import ModelUnreachable
from greenloop.model.around import Alone
from greenloop.model.endpoint import Endpoint
from greenloop.model.faults import Fault, plain
from greenloop.model.fitting import fit_of
from greenloop.model.local.loading import Choice, Wanted, choose, fetched, serve
from greenloop.model.local.names import named
from greenloop.model.local.rowed import asked
from greenloop.model.local.server import Server
from greenloop.model.local.serving import Serving
from greenloop.ports import CallLimits, Chat, ChatMessage, Fit, Price, Reply
from greenloop.setting_values import Prices
from greenloop.settings import Settings

STARTS = 3  # of one server in a run, the first one included
DIED = "The model server ended in the middle of an answer. {why}"
NO_FILES = "The model server cannot be started: {why}."
GAVE_UP = "{why} It was started {starts} times in this run, which is enough."
_BROKEN = frozenset({"cut", "unreachable", "down", "foreign", "late"})  # causes that a dead server may have
_SILENCE = 3600.0  # seconds to the first token, within the call's own: a processor reads a long prompt for many minutes
_WORD = 1.0  # seconds between two looks at how far it is
_WARM = (ChatMessage(role="user", text="Say yes."),)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Loaded:
    server: Server
    endpoint: Endpoint
    choice: Choice


class Served(Alone):
    """A model that is served by a process of ours. Nothing is started before `warm` or the first call."""

    def __init__(self, settings: Settings, serving: Serving) -> None:
        self._settings, self._serving = settings, serving
        self._wanted = Wanted(
            named=named(settings.model),
            context=settings.context_tokens + settings.max_output,
            seconds=60 * settings.load_minutes,
        )
        self._prices = settings.prices or Prices(input=0.0, output=0.0)
        self._beside = ThreadPoolExecutor(1, "loading")
        self._loading: Future[_Loaded] | None = None
        self._lock = Lock()
        self._server: Server | None = None
        self._private: Path | None = None
        self._starts = 0
        self._state = self._introduced = ""

    @property
    def name(self) -> str:
        return self._settings.model

    @property
    def price(self) -> Price:
        """Nobody bills a token of it; tokens stay bounded."""
        return Price(input=self._prices.input, output=self._prices.output)

    @property
    def fit(self) -> Fit:
        return fit_of(asked(self._settings))

    def warm(self) -> None:
        """Begin to load, and do not wait."""
        self._begun()

    def ready(self) -> None:
        """Wait until it answers, saying how far it is. Raises `ModelUnreachable`."""
        loading, said = self._begun(), self._introduced
        while not wait([loading], timeout=_WORD).done:
            if self._state != said:
                said = self._state
                self._serving.say(said)
        loaded = loading.result()
        if not loaded.server.alive:
            self._again(loaded.server.died(), loading)
            self.ready()
        elif loaded.choice.words != self._introduced:
            self._introduced = loaded.choice.words
            self._serving.say(self._introduced)

    def complete(self, chat: Chat, *, limits: CallLimits, on_chunk: Callable[[str], None]) -> Reply:
        self.ready()
        loading = self._begun()
        loaded = loading.result()
        own = replace(limits, patience=0.0)  # a server of ours does not recover by being waited for
        try:
            reply = loaded.endpoint.complete(chat, limits=own, on_chunk=on_chunk)
        except ModelUnreachable as error:
            if getattr(error, "cause", "") not in _BROKEN or not loaded.server.gone():
                raise
            why = str(loaded.server.died())
            if error.partial:
                raise Fault(DIED.format(why=why), partial=error.partial, spent=True, cause="cut") from None
            self._again(Fault(why, cause="down"), loading)
            return self.complete(chat, limits=limits, on_chunk=on_chunk)
        return replace(reply, model=loaded.choice.name)

    def end(self) -> None:
        """The server, the download, and what they left. Harmless when there is none."""
        while self._loading is not None:
            if self._server is not None:
                self._server.end()
            if wait([self._loading], timeout=_WORD).done:
                break
        self._beside.shutdown()
        if self._private is not None:
            rmtree(self._private, ignore_errors=True)

    def _begun(self) -> Future[_Loaded]:
        with self._lock:
            if self._loading is None:
                self._loading = self._beside.submit(self._load)
            return self._loading

    def _again(self, why: Fault, dead: Future[_Loaded]) -> None:
        """What is dead is started anew, but not for ever, and once for all who wait for it. Raises `Fault`."""
        with self._lock:
            if self._loading is not dead:
                return
            if self._starts >= STARTS:
                raise Fault(GAVE_UP.format(why=why, starts=STARTS), cause="down")
            self._loading = None

    def _load(self) -> _Loaded:
        try:
            return self._loaded()
        except OSError as error:  # of files: those of the network and of the engine are told
            raise Fault(NO_FILES.format(why=plain(str(error))), cause="down") from None

    def _loaded(self) -> _Loaded:
        self._starts += 1
        self._private = self._private or Path(mkdtemp(prefix="greenloop-model-"))
        around = self._serving.around(self._private / "engine.log", self._told)
        choice = choose(self._wanted, around)
        self._server = server = serve(self._wanted, choice, fetched(choice, around), around)
        made: list[Endpoint] = []

        def warm(seconds: float) -> None:
            made[:] = [self._endpoint(server)]
            made[0].complete(_WARM, limits=CallLimits(max_output=1, seconds=seconds), on_chunk=lambda _: None)

        server.start(warm)
        return _Loaded(server=server, endpoint=made[0], choice=choice)

    def _endpoint(self, server: Server) -> Endpoint:
        own = replace(self._settings, model=server.model, api_base=server.base, api_key=server.key, prices=self._prices)
        return Endpoint(own, silence=_SILENCE, named=("none; the key is drawn anew for each server",))

    def _told(self, words: str) -> None:
        self._state = words
