"""Text that lies elsewhere, at an address that GitHub has told: fetched without the token, and only its end is kept."""

from __future__ import annotations

import time
from http.client import HTTPException
from urllib.error import URLError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from greenloop import __version__
from greenloop.forge.github.errors import Fault

END = 200_000  # bytes that are kept
MOST = 100_000_000  # bytes that are read
SECONDS = 60.0
_PIECE = 65_536


class _Nowhere(HTTPRedirectHandler):
    """The address is where it lies; nobody is sent on from there."""

    def redirect_request(self, *_: object, **__: object) -> None:
        return None


def ending(address: str, *, near: str) -> str:
    """The last bytes, as text. `near` is GitHub's own address: only there is a connection without encryption taken."""
    parts, home = urlsplit(address), urlsplit(near)
    if parts.scheme != "https" and (parts.scheme, parts.netloc) != (home.scheme, home.netloc):
        raise Fault("GitHub names an address for the log that is not encrypted; it was not read.")
    began, kept, read = time.monotonic(), b"", 0
    request = Request(address, headers={"User-Agent": f"greenloop/{__version__}"})  # noqa: S310 - looked at above
    try:
        with build_opener(_Nowhere()).open(request, timeout=30) as answer:
            while read < MOST and time.monotonic() - began < SECONDS:
                piece = answer.read(_PIECE)
                if not piece:
                    break
                read += len(piece)
                kept = (kept + piece)[-END:]
    except (URLError, HTTPException, OSError, ValueError) as error:
        raise Fault(f"The log could not be fetched from {parts.hostname}: {type(error).__name__}.") from None
    return kept.decode("utf-8", "replace")
