"""Our own clone of a repository elsewhere, and what is pushed back to it. The token is in the environment of these git
processes alone: never in an argument, an address or a configuration file."""

from __future__ import annotations

import re
import time
from base64 import b64encode
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType

from greenloop.errors import NotPushed
from greenloop.workspace.plumbing import Completed, Plumbing, initialised
from greenloop.workspace.refs import read
from greenloop.workspace.repository import GitWorkspace

_DEPTH = "50"  # commits; enough to see what an earlier run has left on its branch
_WAITS = (0.5, 2.0)  # seconds before the second and the third try; short, because a stopped step has seven in all
_SILENCE = "30"  # seconds at less than a kilobyte, after which a transfer is given up
# git's and curl's words for what may be otherwise in a moment
_PASSING = re.compile(
    r"returned error: (?:408|429|5\d\d)|RPC failed|early EOF|hung up unexpectedly|unexpected disconnect|"
    r"Could not resolve host|Failed to connect|Connection (?:reset|refused|timed out)|Operation too slow|"
    r"Empty reply from server|GnuTLS recv error|transfer closed"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Remote:
    """`url` without any credential in it. All that is done here may be done twice, so what fails in passing is tried
    again."""

    url: str
    token: str = field(default="", repr=False)
    sleep: Callable[[float], None] = time.sleep

    def at(self, repository: str) -> Remote:
        """Another repository of the same server, with the same token."""
        return replace(self, url=f"{self.url.rsplit('/', 2)[0]}/{repository}.git")

    def clone(self, folder: Path, refs: Iterable[str], *, depth: str = _DEPTH, only: str = "") -> GitWorkspace:
        """A bare clone in `folder` (empty) with these refs under their own names, of a name that ends with `/` all
        below it; those that are not there are left out. No tags, no hooks, not more history than is needed; with `only`
        just the objects that this filter lets through."""
        initialised(folder)
        plumbing = Plumbing(folder)
        there = self._there(plumbing)
        asked = dict.fromkeys(refs)
        wanted = [f"+{ref}:{ref}" for ref in there if ref in asked or ref.startswith(_prefixes(asked))]
        if wanted:
            self._fetch(plumbing, *wanted, depth=depth, only=(f"--filter={only}",) if only else ())
        return GitWorkspace(plumbing)

    def push(self, folder: Path, sha: str, ref: str, *, expected: str | None) -> None:
        """Move `ref` there from `expected` (None: it is not there) forward to `sha`; never backwards, never sideways,
        never from anywhere else. Raises `NotPushed`."""
        plumbing = Plumbing(folder)
        if expected is not None and plumbing.attempt("merge-base", "--is-ancestor", expected, sha).code:
            raise NotPushed(f"{ref} is not moved from {expected} to {sha}: that is no step forward.")
        done = self._pushed(plumbing, f"--force-with-lease={ref}:{expected or ''}", self.url, f"{sha}:{ref}")
        if done.code:
            raise NotPushed(_why(ref, done.error))

    def fetch(self, folder: Path, ref: str, *, to: str = "") -> str | None:
        """Where `ref` is there now, with its newest commit at hand in the clone; None when there is no such ref. With
        `to`, some of its history as well, under that name."""
        plumbing = Plumbing(folder)
        if ref not in self._there(plumbing):
            return None
        self._fetch(plumbing, f"+{ref}:{to or ref}", depth=_DEPTH if to else "1")
        return read(plumbing, to or ref)

    def remove(self, folder: Path, refs: Mapping[str, str]) -> bool:
        """Remove each ref that is still at its commit; what somebody else has pushed there is not ours to lose. Whether
        all of them went."""
        leases = (f"--force-with-lease={ref}:{sha}" for ref, sha in refs.items())
        return self._pushed(Plumbing(folder), *leases, self.url, *(f":{ref}" for ref in refs)).code == 0

    def there(self, folder: Path, *prefixes: str) -> dict[str, str]:
        """The refs there that begin with one of these, and their commits."""
        return {ref: sha for ref, sha in self._there(Plumbing(folder)).items() if ref.startswith(prefixes)}

    def dates(self, folder: Path, refs: Iterable[str]) -> dict[str, int]:
        """When the commit of each ref was made, in seconds since 1970. Only the commits are fetched, neither history
        nor files, into `folder` (empty)."""
        initialised(folder)
        plumbing = Plumbing(folder)
        self._fetch(plumbing, *(f"+{ref}:{ref}" for ref in refs), depth="1", only=("--filter=tree:0",))
        shown = plumbing.run("for-each-ref", "--format=%(refname) %(committerdate:unix)").decode()
        made = (line.rpartition(" ") for line in shown.splitlines())
        return {ref: int(seconds) for ref, _, seconds in made if seconds.isdigit()}

    def _fetch(self, plumbing: Plumbing, *refs: str, depth: str, only: tuple[str, ...] = ()) -> None:
        options = ("--quiet", "--no-tags", "--no-write-fetch-head", "--no-recurse-submodules", f"--depth={depth}")
        done = self._patiently(plumbing, "fetch", *options, *only, self.url, *refs)
        if done.code:
            raise plumbing.failure("fetch", done)

    def _pushed(self, plumbing: Plumbing, *words: str) -> Completed:
        return self._patiently(plumbing, "push", "--quiet", "--no-verify", "--recurse-submodules=no", *words)

    def _there(self, plumbing: Plumbing) -> dict[str, str]:
        done = self._patiently(plumbing, "ls-remote", "--quiet", self.url)
        if done.code:
            raise plumbing.failure("ls-remote", done)
        lines = done.out.decode("utf-8", "replace").splitlines()
        return {ref: sha for sha, _, ref in (line.partition("\t") for line in lines) if ref}

    def _patiently(self, plumbing: Plumbing, *words: str) -> Completed:
        """What git says, at last; without the token, whoever has put it there."""
        for wait in (*_WAITS, None):
            done = plumbing.attempt(*words, env=self.environment())
            if done.code == 0 or wait is None or not _PASSING.search(done.error):
                break
            self.sleep(wait)
        return Completed(done.code, done.out, done.error.replace(self.token or "\0", "***"))

    def environment(self, more: Mapping[str, str] = MappingProxyType({})) -> dict[str, str]:
        """For a git process that goes there: our token or none, no other credential of this machine's, no other way."""
        settings = {
            "credential.helper": "",
            "http.followRedirects": "false",
            "http.lowSpeedLimit": "1000",
            "http.lowSpeedTime": _SILENCE,
            **more,
        }
        if self.token:
            basic = b64encode(f"x-access-token:{self.token}".encode()).decode()
            settings[f"http.{self.url}.extraheader"] = f"AUTHORIZATION: basic {basic}"
        found = {"GIT_CONFIG_COUNT": str(len(settings)), "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": "/dev/null"}
        found |= {"GIT_ASKPASS": "", "HOME": "/nonexistent"}  # a program that knows the user's passwords; their .netrc
        found |= {"GIT_ALLOW_PROTOCOL": "http:https"}  # above every setting, and above one that was there before us
        found |= {"GIT_CONFIG_PARAMETERS": ""}  # of a `git -c …` that started us; it would stand above ours
        for number, (key, value) in enumerate(settings.items()):
            found |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": value}
        return found


def _prefixes(refs: Iterable[str]) -> tuple[str, ...]:
    return tuple(ref for ref in refs if ref.endswith("/"))


def _why(ref: str, said: str) -> str:
    if "workflows` permission" in said or "without `workflow" in said:
        cure = "The change touches .github/workflows, which the job's own token may not; nothing was pushed."
    elif "non-fast-forward" in said or "fetch first" in said or "stale info" in said:
        cure = "Somebody has moved it meanwhile, and that is respected."
    elif "archived" in said:
        cure = "The repository is archived. Unarchive it, then run the job again: it goes on from here."
    elif "Authentication failed" in said or "could not read Username" in said:
        cure = "The token is not accepted any more: a job's own ends with its job. Run it again: it goes on from here."
    elif "protected branch" in said or "GH006" in said or "GH013" in said:
        cure = "A rule of the repository protects it."
    elif _PASSING.search(said):
        cure = "The server could not be reached, three times. Run the job again: it goes on from here."
    else:
        cure = "Give the job `permissions: contents: write`."
    last = [line.strip() for line in said.splitlines() if line.strip()][-3:]
    return f"{ref} could not be pushed. {cure} git said: {' '.join(last)}"
