"""The Hugging Face hub on loopback, as far as `huggingface-hub` needs it to list a revision and to fetch its files.

    with Hub({"config.json": b"{}", "model.safetensors": weights}) as hub:
        environment = {"HF_ENDPOINT": hub.origin}

It has one repository, `org/tiny`, with one commit and the branch `main`. `breaks` maps a file to the number of bytes
after which its first transfer stalls until the client goes; `lies` to other bytes than those that are listed. `endless`
are files whose transfer does not end, "" is the list; `moved` is another hub, to which every question is sent on;
`says` stands in the list in the place of what would be true; `busy` are the first answers to questions whose address
holds a word: the word, a status, and the headers.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

REPOSITORY, COMMIT = "org/tiny", "c0ffee" * 6 + "c0de"
BLOCK = 1 << 20
LARGE = (".safetensors", ".gguf", ".bin")  # what the hub keeps with a hash of its content


def git_hash(data: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()


class Hub:
    def __init__(  # noqa: PLR0913 - each fault by its name
        self,
        files: Mapping[str, bytes],
        *,
        breaks: Mapping[str, int] | None = None,
        lies: Mapping[str, bytes] | None = None,
        sizes: Mapping[str, int] | None = None,
        gated: bool = False,
        endless: Collection[str] = (),
        moved: str = "",
        says: Mapping[str, Any] | None = None,
        busy: Sequence[tuple[str, int, Mapping[str, str]]] = (),
    ) -> None:
        self.files, self.breaks, self.lies, self.sizes = dict(files), dict(breaks or {}), lies or {}, sizes or {}
        self.gated, self.endless, self.moved, self.says = gated, endless, moved, says or {}
        self.busy = list(busy)
        self.requests: list[tuple[str, str, str]] = []  # path, Range, Authorization
        self.stalled = threading.Event()
        hub = self

        class Handler(_Handler):
            owner = hub

        self._server = _Server(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.origin = f"http://127.0.0.1:{self._server.server_address[1]}"
        self.closed = threading.Event()

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.closed.set()
        self._server.shutdown()
        self._server.server_close()

    def ranges(self, name: str) -> list[str]:
        """Of each transfer of a file, from where it was asked for."""
        return [begin for path, begin, _ in self.requests if path.endswith(f"/{name}")]

    def listed(self) -> dict[str, Any]:
        siblings = [self._sibling(name) for name in self.files]
        return {"id": REPOSITORY, "sha": COMMIT, "siblings": siblings, **self.says}

    def _sibling(self, name: str) -> dict[str, Any]:
        data = self.files[name]
        size = self.sizes.get(name, len(data))
        made: dict[str, Any] = {"rfilename": name, "size": size, "blobId": git_hash(data)}
        if name.endswith(LARGE):
            made["lfs"] = {"sha256": hashlib.sha256(data).hexdigest(), "size": size, "pointerSize": 134}
        return made


class _Server(ThreadingHTTPServer):
    def handle_error(self, *_: object) -> None:
        """A client that goes is no error."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    owner: Hub

    def log_message(self, *_: object) -> None:
        """Quiet."""

    def do_GET(self) -> None:
        hub, path = self.owner, self.path.partition("?")[0]
        hub.requests.append((path, self.headers.get("Range", ""), self.headers.get("Authorization", "")))
        if hub.busy and hub.busy[0][0] in path:
            _, status, headers = hub.busy.pop(0)
            self._send(b'{"error": "not now"}', status, **headers)
        elif hub.gated:
            self._fail(403, "GatedRepo")
        elif hub.moved:
            self._send(b"", 302, Location=f"{hub.moved}{self.path}")
        elif path.startswith("/api/") and "" in hub.endless:
            self._pour(b"[" * BLOCK)
        elif path in {
            f"/api/models/{REPOSITORY}",
            *(f"/api/models/{REPOSITORY}/revision/{r}" for r in ("main", COMMIT)),
        }:
            self._send(json.dumps(hub.listed()).encode())
        elif path.startswith(f"/api/models/{REPOSITORY}/"):
            self._fail(404, "RevisionNotFound")
        elif path.startswith(f"/{REPOSITORY}/resolve/{COMMIT}/"):
            self._file(path.rpartition(f"/{COMMIT}/")[2])
        else:
            self._fail(404, "RepoNotFound")

    def _file(self, name: str) -> None:
        hub = self.owner
        if name not in hub.files:
            self._fail(404, "EntryNotFound")
            return
        if name in hub.endless:
            self._pour(bytes(BLOCK))
            return
        data = hub.lies.get(name, hub.files[name])
        begin = int(self.headers.get("Range", "bytes=0-")[len("bytes=") : -1] or 0)
        stop = hub.breaks.pop(name, None)
        self.send_response(206 if begin else 200)
        self.send_header("Content-Length", str(len(data) - begin))
        if begin:
            self.send_header("Content-Range", f"bytes {begin}-{len(data) - 1}/{len(data)}")
        self.end_headers()
        self.wfile.write(data[begin : len(data) if stop is None else begin + stop])
        self.wfile.flush()
        if stop is not None:
            hub.stalled.set()
            hub.closed.wait(60)

    def _pour(self, block: bytes) -> None:
        """Until the client goes."""
        self.send_response(200)
        self.send_header("Connection", "close")
        self.end_headers()
        self.close_connection = True
        with suppress(OSError):
            while not self.owner.closed.is_set():
                self.wfile.write(block)

    def _send(self, body: bytes, status: int = 200, **headers: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def _fail(self, status: int, code: str) -> None:
        self._send(b'{"error": "no"}', status, X_Error_Code=code)
