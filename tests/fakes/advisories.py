"""A service of advisories on loopback: OSV's `querybatch`, as its documentation describes it."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self


class Advisories:
    """`known` maps `name==version` to ids; a `broken` one answers that instead. `asked` holds every query."""

    def __init__(self, known: Mapping[str, tuple[str, ...]], broken: bytes | None = None) -> None:
        self.asked: list[dict[str, Any]] = []
        service = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                service.asked += body["queries"]
                results = []
                for query in body["queries"]:
                    ids = known.get(f"{query['package']['name']}=={query['version']}", ())
                    results.append(
                        {"vulns": [{"id": i, "modified": "2026-01-01T00:00:00Z"} for i in ids]} if ids else {}
                    )
                self.send_response(200 if self.path == "/v1/querybatch" else 404)
                self.end_headers()
                self.wfile.write(json.dumps({"results": results}).encode() if broken is None else broken)

            def log_message(self, *_: object) -> None:
                """Silence."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
