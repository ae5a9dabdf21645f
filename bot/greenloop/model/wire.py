"""The door to the network for the direct client: one exchange, its deadline, redirects and failures. Knows no chat.

Every exchange has a connection of its own: between two calls lie seconds of checks, in which servers drop idle ones.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin

from greenloop.errors import Misconfigured
from greenloop.hygiene.redact import redact
from greenloop.model import faults
from greenloop.model.faults import Fault, Side
from greenloop.model.given import local, origin
from greenloop.model.stream import Answer, Foreign
from greenloop.model.watch import Watch, watched

if TYPE_CHECKING:
    from httpx import Client, Response, TransportError

CONNECT = 10.0  # seconds
SILENCE = 300.0  # seconds without a byte; a prompt of 24,000 tokens on a CPU takes minutes before the first token
_REDIRECTS = 3


class _Elsewhere(Exception):
    """A redirect that is not followed; the text is where it leads."""


def load() -> Any:  # noqa: ANN401 - a module
    """Import httpx without its command line, which would import click and rich: half of the cost, never used."""
    if "httpx" not in sys.modules:
        sys.modules["httpx._main"] = None  # type: ignore[assignment]  # httpx expects that it may be missing
        try:
            import httpx
        finally:
            sys.modules.pop("httpx._main", None)
    import httpx

    return httpx


class Wire:
    """One endpoint. `keys` gives every key that may stand in what comes back."""

    def __init__(
        self, api_base: str, keys: Callable[[], tuple[str, ...]], *, clock: Callable[[], float], silence: float
    ) -> None:
        self.base = api_base.rstrip("/")
        self.keys = keys
        self.silence = silence
        self._clock = clock
        self._headers = {"Accept-Encoding": "identity", "User-Agent": "greenloop"}
        self._lock = threading.Lock()
        self._made: Client | None = None

    def client(self) -> Client:
        """Made once, by whichever thread comes first; connects to nothing."""
        with self._lock:
            if self._made is None:
                self._made = self._make()
            return self._made

    def _make(self) -> Client:
        httpx = load()
        scheme, host, _ = origin(self.base)
        mounts = {f"all://{f'[{host}]' if ':' in host else host}": None} if local(host) else None
        limits = httpx.Limits(max_keepalive_connections=0)
        try:
            # A proxy of the environment is used, but none knows our loopback.
            made: Client = httpx.Client(headers=self._headers, verify=_trust(scheme), limits=limits, mounts=mounts)
        except (ImportError, ValueError) as error:
            raise Misconfigured(
                f"The proxy in HTTP_PROXY, HTTPS_PROXY or ALL_PROXY cannot be used: {self.clean(str(error))}"
            ) from None
        return made

    @contextmanager
    def talk(
        self, path: str, body: bytes | None, headers: Mapping[str, str], *, side: Side, deadline: float, answer: Answer
    ) -> Iterator[tuple[Response, Watch]]:
        """One exchange, a POST if there is a body; the key is in `headers`. `path` is
        relative to the address. What goes wrong becomes a `Fault` with what
        had arrived in `answer`; an answer that has its finish reason survives."""
        httpx = load()
        left = max(deadline - self._clock(), 0.001)
        with watched(left) as watch:
            try:
                with self._opened(path, body, headers, silence=min(self.silence, left), watch=watch) as response:
                    yield response, watch
            except _Elsewhere as error:
                raise self._redirected(str(error)) from None
            except Foreign as error:
                raise faults.foreign(side, self.clean(str(error)), answer.text) from None
            except httpx.TransportError as error:
                if not answer.finish:
                    raise self._broken(error, side, answer, watch=watch, left=left) from None

    @contextmanager
    def _opened(
        self, path: str, body: bytes | None, headers: Mapping[str, str], *, silence: float, watch: Watch
    ) -> Iterator[Response]:
        """The answer, its body not yet read. A redirect is followed to the same host only, for the key goes with it."""
        httpx = load()
        client = self.client()
        address = urljoin(f"{self.base}/", path)
        for _ in range(_REDIRECTS):
            request = client.build_request(
                "GET" if body is None else "POST",
                address,
                content=body,
                headers={**headers, **({} if body is None else {"Content-Type": "application/json"})},
                timeout=httpx.Timeout(silence, connect=min(CONNECT, silence)),
                extensions={"trace": watch.trace},
            )
            try:
                response = client.send(request, stream=True)
            except httpx.InvalidURL:  # httpx reads where a redirect leads, even if it is not to follow
                raise _Elsewhere("an address that is none") from None
            try:
                if not response.has_redirect_location:
                    yield response
                    return
                address = _followed(address, response.headers["location"])
            finally:
                response.close()
        raise _Elsewhere(address)

    def _redirected(self, where: str) -> Fault:
        return Fault(
            f"{self.base} redirects to {self.clean(where)}. We follow within the same host only, because the key goes "
            f"along, and {_REDIRECTS - 1} times at most. If that is the right place, set it as `api_base`."
        )

    def _broken(self, error: TransportError, side: Side, answer: Answer, *, watch: Watch, left: float) -> Fault:
        httpx = load()
        words = self.clean(str(error)) or type(error).__name__
        if isinstance(error, (httpx.ConnectError, httpx.ConnectTimeout)):
            return faults.unreachable(side, words)
        if watch.late:
            return faults.late(side, answer.text, f"no complete answer within {round(left, 1):g} s")
        if isinstance(error, httpx.TimeoutException):
            return faults.late(side, answer.text, f"nothing came for {min(self.silence, left):g} s")
        return faults.cut(side, answer.text, words)

    def clean(self, words: str) -> str:
        """Words from outside, fit to be shown."""
        return redact(faults.plain(words), self.keys())


def _followed(address: str, location: str) -> str:
    """Where a redirect leads, if that is on the same host; as httpx reads it, for it is httpx that goes there."""
    httpx = load()
    before, after = httpx.URL(address), httpx.URL(address).join(location)
    same = (before.scheme, before.host, before.port) == (after.scheme, after.host, after.port)
    if not same or after.userinfo:
        raise _Elsewhere(str(after))
    return str(after)


def _trust(scheme: str) -> Any:  # noqa: ANN401 - what httpx takes for `verify`
    """Loading the authorities costs 35 ms of CPU; plain HTTP gets a context that trusts nobody instead."""
    if scheme == "https":
        return True
    import ssl  # noqa: PLC0415 - 5 ms, and loaded by then

    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def bounded(response: Response, most: int) -> bytes:
    """The body, or as much of it as `most` bytes."""
    body = bytearray()
    for chunk in response.iter_raw():
        body += chunk
        if len(body) >= most:
            break
    return bytes(body[:most])
