"""Trees to prepare, and the only index that there is."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from http.server import ThreadingHTTPServer
from pathlib import Path

import pytest

from fakes.package_index import PYTEST, Handler, Index
from greenloop.ports import Sandbox
from greenloop.sandbox import open_sandbox


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Index]:
    """The only index there is; uv and pip know it by their variables, with the password."""
    folder = tmp_path / "index"
    (folder / "simple").mkdir(parents=True)
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    made = Index(folder, server.server_port)
    made.wheel("pytest", PYTEST)
    for name in ("UV_FIND_LINKS", "PIP_FIND_LINKS", "PIP_EXTRA_INDEX_URL", "UV_INDEX", "UV_EXTRA_INDEX_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("UV_DEFAULT_INDEX", made.url)
    monkeypatch.setenv("PIP_INDEX_URL", made.url)
    yield made
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def lay(tmp_path: Path) -> Callable[..., Path]:
    """`lay("base", {"a.py": "…"})` → a folder with these files."""

    def make(name: str, files: Mapping[str, str]) -> Path:
        for path, text in files.items():
            target = tmp_path / name / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text)
        (tmp_path / name).mkdir(exist_ok=True)
        return tmp_path / name

    return make


@pytest.fixture(scope="session")
def sandbox() -> Sandbox:
    return open_sandbox()
