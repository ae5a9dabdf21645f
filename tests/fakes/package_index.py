"""A package index on loopback that asks for a password, made of tiny wheels and sources."""

from __future__ import annotations

import base64
import hashlib
import io
import tarfile
import zipfile
from collections.abc import Mapping
from http.server import SimpleHTTPRequestHandler
from importlib.metadata import version
from pathlib import Path
from typing import Any

from greenloop.ports import Environment

USER, PASSWORD = "ada", "s3cret-index-pw"
PYTEST = version("pytest")


class Index:
    """A simple index in a folder. `wheel` and `sdist` publish; `url` has the user name and password in it."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder = folder
        self.bare = f"http://127.0.0.1:{port}/simple/"
        self.url = f"http://{USER}:{PASSWORD}@127.0.0.1:{port}/simple/"

    def _publish(self, project: str, filename: str, data: bytes) -> None:
        folder = self.folder / "simple" / project
        folder.mkdir(parents=True, exist_ok=True)
        (folder / filename).write_bytes(data)
        files = sorted(path for path in folder.iterdir() if path.name != "index.html")
        links = (f'<a href="{p.name}#sha256={hashlib.sha256(p.read_bytes()).hexdigest()}">{p.name}</a>' for p in files)
        (folder / "index.html").write_text("<!DOCTYPE html><html><body>" + "".join(links) + "</body></html>")

    def wheel(
        self, name: str, number: str, *, requires: tuple[str, ...] = (), files: Mapping[str, str] | None = None
    ) -> None:
        plain = name.replace("-", "_")
        self._publish(name, f"{plain}-{number}-py3-none-any.whl", wheel(name, number, requires=requires, files=files))

    def sdist(self, name: str, number: str, files: Mapping[str, str]) -> None:
        data = io.BytesIO()
        with tarfile.open(fileobj=data, mode="w:gz") as archive:
            for path, text in files.items():
                member = tarfile.TarInfo(f"{name}-{number}/{path}")
                member.size = len(text.encode())
                archive.addfile(member, io.BytesIO(text.encode()))
        self._publish(name, f"{name}-{number}.tar.gz", data.getvalue())


def wheel(name: str, number: str, *, requires: tuple[str, ...] = (), files: Mapping[str, str] | None = None) -> bytes:
    plain = name.replace("-", "_")
    info = f"{plain}-{number}.dist-info"
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {number}\n" + "".join(
        f"Requires-Dist: {line}\n" for line in requires
    )
    tags = "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    members = dict(files or {f"{plain}.py": f"VERSION = {number!r}\n"})
    members |= {f"{info}/METADATA": metadata, f"{info}/WHEEL": tags}
    record = "".join(f"{path},,\n" for path in (*members, f"{info}/RECORD"))
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        for path, text in {**members, f"{info}/RECORD": record}.items():
            archive.writestr(path, text)
    return data.getvalue()


class Handler(SimpleHTTPRequestHandler):
    def do_GET(self) -> None:
        expected = "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        if self.headers.get("Authorization") != expected:
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Basic realm="index"')
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        super().do_GET()

    def log_message(self, *_: Any) -> None:
        """Quiet."""


def importable(environment: Environment) -> set[str]:
    """What the environment's own `site-packages` and layers hold, by looking at the files."""
    folders = [*(environment.python.parent.parent / "lib").glob("python3*/site-packages")]
    folders += [Path(source) for source in environment.sources if Path(source).is_absolute()]
    return {path.stem for folder in folders for path in folder.glob("*.py") if not path.stem.startswith("_")}
