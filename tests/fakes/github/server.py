"""The HTTP side: who asks, which fault is planned, what is answered. Keeps a log of all that came."""

from __future__ import annotations

import json
import os
import re
import socket
import struct
import sys
import threading
from base64 import b64decode
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from fakes.github import actions, graphql, rest, smart_http
from fakes.github.call import Call
from fakes.github.faults import Fault, Planned
from fakes.github.smart_http import Answer, GitCall
from fakes.github.state import Refusal, Token, World, not_found

_LOG = re.compile(r"/logs/(?P<name>[^/]+/[^/]+)/(?P<job>\d+)")
API, GRAPHQL = "/api/v3", "/api/graphql"
_GIT = re.compile(r"/(?P<owner>[^/]+)/(?P<name>[^/]+?)\.git(?P<inside>/info/refs|/git-(?:upload|receive)-pack)")


@dataclass(frozen=True, kw_only=True)
class Received:
    """One request as it came; header names in lower case, without the token."""

    method: str
    path: str
    query: Mapping[str, str]
    body: Any  # JSON, None when there is none or it is git's
    headers: Mapping[str, str]
    status: int | None  # what was answered; None: the connection was broken

    def __str__(self) -> str:
        return f"{self.method} {self.path.removeprefix(API)}"


@dataclass
class Door:
    """What all requests share."""

    world: World
    api: str = API
    graphql: str = GRAPHQL
    log: list[Received] = field(default_factory=list)
    planned: list[Planned] = field(default_factory=list)
    standing: list[Planned] = field(default_factory=list)
    lock: threading.RLock = field(default_factory=threading.RLock)

    def fault(self, method: str, path: str) -> Fault | None:
        with self.lock:
            return next((p.fault for p in (*self.planned, *self.standing) if p.comes(method, path)), None)

    def unused(self) -> list[str]:
        return [f"{p.method} {p.path.pattern}" for p in self.planned if p.times]


class Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, door: Door) -> None:
        self.door = door
        super().__init__(("127.0.0.1", 0), _Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Print what is the fake's own mistake; a broken connection is none."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Server

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name of the library
        """Silent."""

    def _do(self) -> None:
        parts = urlsplit(self.path)
        body, path = self._read(), parts.path
        door = self.server.door
        fault = door.fault(self.command, path) or Fault()
        if fault.then:
            fault.then()
        carried_out = fault.effect or (fault.status is None and not fault.cut)
        answer = self._answer(path, parts.query, body, fault) if carried_out else None
        if fault.status is not None:
            answer = Answer(status=fault.status, headers=_JSON | dict(fault.headers), body=fault.body)
        door.log.append(self._received(path, parts.query, body, None if fault.cut or answer is None else answer.status))
        if fault.cut:
            self._break(answer)
        elif answer is not None:
            self._send(answer)

    do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = _do  # noqa: N815 - the names of the library

    def _answer(self, path: str, query: str, body: bytes, fault: Fault) -> Answer:
        try:
            token = self._token()
            git = _GIT.fullmatch(path)
            if git:
                return self._git(git.groupdict(), query, body, token, fault.reason)
            log = _LOG.fullmatch(path)
            if log:
                home = self.server.door.world.repositories[log["name"]]
                printed = actions.text(home, int(log["job"]), authorized="Authorization" in self.headers)
                return Answer(status=200, headers={"Content-Type": "text/plain"}, body=printed.encode())
            with self.server.door.lock:
                if path == self.server.door.graphql:
                    return _json(200, graphql.respond(self.server.door.world, token, json.loads(body)))
                return self._rest(path, dict(parse_qsl(query)), body, token)
        except Refusal as refusal:
            return _json(refusal.status, refusal.body)

    def _rest(self, path: str, query: dict[str, str], body: bytes, token: Token | None) -> Answer:
        if not path.startswith(self.server.door.api):
            raise not_found()
        given = json.loads(body) if body else {}
        reply = rest.respond(
            self.command,
            path.removeprefix(self.server.door.api),
            lambda args: Call(world=self.server.door.world, token=token, args=args, query=query, body=given),
        )
        if isinstance(reply.data, list):
            return self._page(path, query, reply.data)
        return _json(reply.status, reply.data, reply.headers)

    def _page(self, path: str, query: dict[str, str], rows: list[Any]) -> Answer:
        size, page = min(100, int(query.get("per_page", "30"))), int(query.get("page", "1"))
        last = max(1, -(-len(rows) // size))
        url = f"{self.server.door.world.url}{path}?per_page={size}&page="
        link = f'<{url}{page + 1}>; rel="next", <{url}{last}>; rel="last"' if page < last else ""
        return _json(200, rows[(page - 1) * size : page * size], {"Link": link} if link else {})

    def _git(self, at: Mapping[str, str], query: str, body: bytes, token: Token | None, rejection: str) -> Answer:
        repository = self.server.door.world.repositories.get(f"{at['owner']}/{at['name']}")
        if repository is None:
            return Answer(status=404, headers={}, body=b"Repository not found.")
        service = dict(parse_qsl(query)).get("service", at["inside"].lstrip("/"))
        call = GitCall(
            world=self.server.door.world,
            repository=repository,
            method=self.command,
            inside=at["inside"],
            query=query,
            headers=self._headers(),
            body=body,
            service=service,
        )
        return smart_http.door(call, token) or smart_http.serve(call, token, rejection)

    def _token(self) -> Token | None:
        """Who asks: `Bearer`, `token`, or `Basic` with the token as password, as actions/checkout does."""
        kind, _, value = self.headers.get("Authorization", "").partition(" ")
        if kind.lower() == "basic":
            value = b64decode(value).decode().partition(":")[2]
        if not value:
            return None
        token = self.server.door.world.tokens.get(value)
        if token is None:
            raise Refusal(401, "Bad credentials")
        return token

    def _headers(self) -> dict[str, str]:
        return {name.lower(): value for name, value in self.headers.items() if name.lower() != "authorization"}

    def _received(self, path: str, query: str, body: bytes, status: int | None) -> Received:
        is_json = body and self.headers.get("Content-Type", "").startswith("application/json")
        return Received(
            method=self.command,
            path=path,
            query=dict(parse_qsl(query)),
            body=json.loads(body) if is_json else None,
            headers=self._headers(),
            status=status,
        )

    def _read(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        chunks = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            chunks.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(chunks)

    def _send(self, answer: Answer, size: int | None = None) -> None:
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        if answer.status != 204:
            self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        self.wfile.write(answer.body[:size])

    def _break(self, answer: Answer | None) -> None:
        """Not a close: the client sees that the connection broke, with half an answer if there was one."""
        if answer is not None:
            self._send(answer, len(answer.body) // 2)
            self.wfile.flush()
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True
        os.close(self.connection.detach())


_JSON = {"Content-Type": "application/json; charset=utf-8"}


def _json(status: int, data: object, headers: Mapping[str, str] | None = None) -> Answer:
    limits = {
        "X-RateLimit-Limit": "1000",
        "X-RateLimit-Remaining": "900",
        "X-GitHub-Api-Version-Selected": "2022-11-28",
    }
    body = b"" if data is None else json.dumps(data).encode()
    return Answer(status=status, headers=_JSON | limits | dict(headers or {}), body=body)
