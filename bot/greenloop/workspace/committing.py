"""Commits: made by plumbing, in the user's name or ours, signed with an SSH key when there is one."""

from __future__ import annotations

import os
import re
from pathlib import Path

from greenloop.errors import Misconfigured
from greenloop.workspace.plumbing import Plumbing

_WE = {"NAME": "greenloop", "EMAIL": "greenloop@users.noreply.github.com"}
FALLBACK_IDENTITY = f"{_WE['NAME']} <{_WE['EMAIL']}>"
_NOBODY = re.compile("tell me who you are|auto-detection is disabled|empty ident name", re.IGNORECASE)
_UNSIGNED = "The commit could not be signed: {why}. `signing_key` takes an OpenSSH private key without a passphrase."


class Committer:
    """`key` is the file of an SSH key that commits are signed with."""

    def __init__(self, plumbing: Plumbing) -> None:
        self._plumbing = plumbing
        self._author: dict[str, str] = {}
        self.key: Path | None = None

    def commit(self, tree: str, parents: tuple[str, ...], message: str, *, at: int | None = None) -> str:
        """The id of a new commit, made `at` that second, or now. Raises `Misconfigured` when it cannot be signed."""
        heads = [word for parent in parents for word in ("-p", parent)]
        signing = ("-c", "gpg.format=ssh", "-c", "gpg.ssh.program=ssh-keygen", "-c", f"user.signingKey={self.key}")
        args = (*(signing if self.key else ()), "commit-tree", tree, *(("-S",) if self.key else ()), *heads, "-F", "-")
        text = message.replace("\0", "\ufffd").encode("utf-8", "replace")
        when = {} if at is None else dict.fromkeys(("GIT_AUTHOR_DATE", "GIT_COMMITTER_DATE"), f"{at} +0000")
        done = self._plumbing.attempt(*args, stdin=text, env=self._author | when)
        if done.code and _NOBODY.search(done.error):
            self._author = _as_greenloop()
            done = self._plumbing.attempt(*args, stdin=text, env=self._author | when)
        if done.code and self.key:
            raise Misconfigured(_UNSIGNED.format(why=" ".join(done.error.replace(str(self.key), "the key").split())))
        if done.code:
            raise self._plumbing.failure("commit-tree", done)
        return done.out.decode().strip()


def _as_greenloop() -> dict[str, str]:
    ours = {f"GIT_{role}_{field}": value for role in ("AUTHOR", "COMMITTER") for field, value in _WE.items()}
    return {name: value for name, value in ours.items() if not os.environ.get(name)}
