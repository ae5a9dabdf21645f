"""The one door of the environment to the network: runs uv, and an install command, with a clean environment.

Nothing of an attempt is ever executed through here; source builds are in `sdist.py`, confined and offline.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO
from urllib.parse import unquote, urlsplit

from greenloop.errors import BrokenEnvironment

MISSING = "`{program}` was not found. Name a program that is on PATH, or that the command itself installs first."
NOT_DOWNLOADED = "{url} could not be downloaded: {why}."
TOO_LARGE = "{url} is too large to be a dependency."
TOO_SLOW = "Installing took longer than {seconds:.0f} seconds (`max_minutes`) and was stopped."

# By name and nothing else: no token, key or GitHub variable can be on this list by accident.
ALLOWED = frozenset(
    {
        *("PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ"),
        *("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "PIP_CERT"),
        *("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "all_proxy", "no_proxy"),
        *("UV_INDEX_URL", "UV_EXTRA_INDEX_URL", "UV_DEFAULT_INDEX", "UV_INDEX", "UV_FIND_LINKS", "UV_NO_INDEX"),
        *(
            "UV_OFFLINE",
            "UV_INDEX_STRATEGY",
            "UV_INSECURE_HOST",
            "UV_NATIVE_TLS",
            "UV_SYSTEM_CERTS",
            "UV_HTTP_TIMEOUT",
            "UV_HTTP_RETRIES",
        ),
        *("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS", "PIP_NO_INDEX", "PIP_TRUSTED_HOST"),
        *("PIP_DEFAULT_TIMEOUT", "PIP_DISABLE_PIP_VERSION_CHECK"),
    }
)
_CREDENTIAL = re.compile(r"UV_INDEX_[A-Z0-9_]+_(USERNAME|PASSWORD)")
_USERINFO = re.compile(r"(?<=://)[^/\s@]+@")
_AS_UV = {  # what people have set for pip means the same to uv
    "PIP_INDEX_URL": "UV_INDEX_URL",
    "PIP_EXTRA_INDEX_URL": "UV_EXTRA_INDEX_URL",
    "PIP_FIND_LINKS": "UV_FIND_LINKS",
    "PIP_NO_INDEX": "UV_NO_INDEX",
    "PIP_CERT": "SSL_CERT_FILE",
}
_TAIL = 64 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """How programs are run with the network on. `outside` is the process's own environment, of which little is kept."""

    outside: Mapping[str, str]
    cache: Path  # uv's
    home: Path  # private, empty
    seconds: float
    say: Callable[[str], None]

    def uv(self, *args: str, cwd: Path, doing: str = "") -> Log:
        """Run uv, which may use the index's credentials: it fetches, and executes nothing that it fetched."""
        import uv  # noqa: PLC0415 - a target without dependencies does not need it

        environment = {**clean(self.outside), **self._own()}
        return self._run((uv.find_uv_bin(), *args), cwd, environment, doing)

    def tool(self, argv: tuple[str, ...], *, cwd: Path) -> Log:
        """Run a program of our own that needs no index."""
        return self._run(argv, cwd, {**without_credentials(clean(self.outside)), **self._own()}, "")

    def command(self, argv: tuple[str, ...], *, cwd: Path, venv: Path, doing: str) -> Log:
        """Run the repository's own install command, inside `venv`, without any index's credentials."""
        kept = without_credentials(clean(self.outside))
        path = f"{venv / 'bin'}{os.pathsep}{kept.get('PATH', os.defpath)}"
        inside = {
            "PATH": path,
            "VIRTUAL_ENV": str(venv),
            "PIP_REQUIRE_VIRTUALENV": "1",
            "UV_PROJECT_ENVIRONMENT": str(venv),
        }
        return self._run(argv, cwd, {**kept, **self._own(), **inside}, doing)

    def download(self, url: str, target: Path, *, largest: int) -> None:
        """Fetch one file; nothing looks into it here."""
        import httpx

        size = 0
        try:
            with (
                target.open("wb") as file,
                httpx.stream("GET", url, auth=self._who(url), follow_redirects=True, timeout=60) as answer,
            ):
                answer.raise_for_status()
                for chunk in answer.iter_bytes():
                    size += len(chunk)
                    if size > largest:
                        raise BrokenEnvironment(TOO_LARGE.format(url=redacted(url, self.outside)))
                    file.write(chunk)
        except httpx.HTTPError as error:
            why = redacted(str(error), self.outside)
            raise BrokenEnvironment(NOT_DOWNLOADED.format(url=redacted(url, self.outside), why=why)) from None

    def _who(self, url: str) -> tuple[str, str] | None:
        """The user name and password that a configured index has for this very host."""
        for value in clean(self.outside).values():
            for word in re.findall(r"https?://[^\s,]+", value):
                index = urlsplit(word)
                if index.username and index.hostname == urlsplit(url).hostname:
                    return unquote(index.username), unquote(index.password or "")
        return None

    def _own(self) -> dict[str, str]:
        return {
            "HOME": str(self.home),
            "UV_CACHE_DIR": str(self.cache),
            "UV_PYTHON_DOWNLOADS": "never",
            "UV_NO_PROGRESS": "1",
            "NO_COLOR": "1",
            "PIP_NO_INPUT": "1",
        }

    def _run(self, argv: tuple[str, ...], cwd: Path, environment: Mapping[str, str], doing: str) -> Log:
        with TemporaryFile() as output:
            try:
                process = subprocess.Popen(
                    argv,
                    cwd=cwd,
                    env=dict(environment),
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                    umask=0o022,  # a confined process of another user reads what is installed
                )
            except OSError:
                raise BrokenEnvironment(MISSING.format(program=argv[0])) from None
            try:
                code = self._wait(process, doing)
            finally:
                _end(process)
            return Log(code=code, text=redacted(_tail(output), self.outside))

    def _wait(self, process: subprocess.Popen[bytes], doing: str) -> int:
        start = time.monotonic()
        while True:
            try:
                return process.wait(timeout=2)
            except subprocess.TimeoutExpired:
                spent = time.monotonic() - start
            if spent > self.seconds:
                raise BrokenEnvironment(TOO_SLOW.format(seconds=self.seconds))
            if doing:
                self.say(f"{doing} ({spent:.0f} s)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Log:
    """How a program ended, and the end of what it printed, without credentials."""

    code: int
    text: str


def clean(outside: Mapping[str, str]) -> dict[str, str]:
    """What an installer may know of the environment that greenloop was started in."""
    kept = {k: v for k, v in outside.items() if k in ALLOWED or _CREDENTIAL.fullmatch(k)}
    for pips, uvs in _AS_UV.items():
        if pips in kept and not (uvs in kept or (uvs == "UV_INDEX_URL" and "UV_DEFAULT_INDEX" in kept)):
            kept[uvs] = ",".join(kept[pips].split()) if uvs == "UV_FIND_LINKS" else kept[pips]
    return kept


def without_credentials(environment: Mapping[str, str]) -> dict[str, str]:
    """The same for a process that may run code of the target: addresses stay, who we are there does not.
    A proxy is no index: without its user name nothing could be reached at all."""
    return {
        k: v if k.lower().endswith("_proxy") else _USERINFO.sub("", v)
        for k, v in environment.items()
        if not _CREDENTIAL.fullmatch(k)
    }


def redacted(text: str, outside: Mapping[str, str]) -> str:
    """Without user names and passwords of addresses, and without the value of any variable that holds a secret."""
    plain = _USERINFO.sub("***@", text)
    for name, value in outside.items():
        if len(value) >= 6 and re.search(r"TOKEN|SECRET|PASSWORD|PASSWD|_KEY$|CREDENTIAL", name):
            plain = plain.replace(value, "***")
    return plain


def _tail(output: IO[bytes]) -> str:
    size = output.seek(0, os.SEEK_END)
    output.seek(max(0, size - _TAIL))
    return output.read().decode("utf-8", "replace")


def _end(process: subprocess.Popen[bytes]) -> None:
    """Nothing that an installer started outlives it, however it ended."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
