"""Our own clone of a repository elsewhere, and what is pushed back to it. The token is in the environment of these git
processes alone: never in an argument, an address or a configuration file."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from greenloop.errors import GreenloopError
from greenloop.workspace.plumbing import Plumbing, initialised
from greenloop.workspace.repository import GitWorkspace

_DEPTH = "50"  # commits; enough to see what an earlier run has left on its branch


class NotPushed(GreenloopError):
    """The other side did not take a push; the message says why and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Remote:
    """`url` without any credential in it."""

    url: str
    token: str = field(repr=False)

    def clone(self, folder: Path, refs: Iterable[str]) -> GitWorkspace:
        """A bare clone in `folder` (empty) with these refs under their own names; those that are not there are left
        out. No tags, no hooks, not more history than is needed."""
        initialised(folder)
        plumbing = Plumbing(folder)
        there = self._there(plumbing)
        wanted = [f"+{ref}:{ref}" for ref in dict.fromkeys(refs) if ref in there]
        options = ("--quiet", "--no-tags", "--no-write-fetch-head", "--no-recurse-submodules", f"--depth={_DEPTH}")
        plumbing.run("fetch", *options, self.url, *wanted, env=self._environment())
        return GitWorkspace(plumbing)

    def push(self, folder: Path, sha: str, ref: str) -> None:
        """Move `ref` there forward to `sha`; never backwards, never sideways. Raises `NotPushed`."""
        done = Plumbing(folder).attempt(
            "push",
            "--quiet",
            "--no-verify",
            "--recurse-submodules=no",
            self.url,
            f"{sha}:{ref}",
            env=self._environment(),
        )
        if done.code:
            raise NotPushed(_why(ref, done.error.replace(self.token, "***")))

    def _there(self, plumbing: Plumbing) -> frozenset[str]:
        lines = plumbing.run("ls-remote", "--quiet", self.url, env=self._environment()).decode("utf-8", "replace")
        return frozenset(line.split("\t", 1)[1] for line in lines.splitlines() if "\t" in line)

    def _environment(self) -> dict[str, str]:
        basic = b64encode(f"x-access-token:{self.token}".encode()).decode()
        settings = {
            f"http.{self.url}.extraheader": f"AUTHORIZATION: basic {basic}",
            "credential.helper": "",
            "http.followRedirects": "false",
            "protocol.ext.allow": "never",
        }
        found = {"GIT_CONFIG_COUNT": str(len(settings)), "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": "/dev/null"}
        for number, (key, value) in enumerate(settings.items()):
            found |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": value}
        return found


def _why(ref: str, said: str) -> str:
    if "workflows` permission" in said or "without `workflow" in said:
        cure = "The change touches .github/workflows, which the job's own token may not; nothing was pushed."
    elif "non-fast-forward" in said or "fetch first" in said or "stale info" in said:
        cure = "Somebody has moved it meanwhile, and that is respected."
    elif "protected branch" in said or "GH006" in said or "GH013" in said:
        cure = "A rule of the repository protects it."
    else:
        cure = "Give the job `permissions: contents: write`."
    last = [line.strip() for line in said.splitlines() if line.strip()][-3:]
    return f"{ref} could not be pushed. {cure} git said: {' '.join(last)}"
