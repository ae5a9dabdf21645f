"""Where GitHub is, which repository is meant, and the token; built once, from values that the caller read."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from urllib.parse import quote, urlsplit

from greenloop.errors import Misconfigured

_REPOSITORY = re.compile(r"(?!\.)[\w.-]+/(?!\.{1,2}$)[\w.-]+", re.ASCII)
_CURE = "On a runner it is there by itself; elsewhere set it as a runner does."


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """`api_url` is `https://api.github.com` or a server's own `https://HOST/api/v3`. The token is in no repr."""

    api_url: str
    server_url: str
    repository: str  # "owner/name"
    token: str = field(repr=False)
    graphql_url: str = ""  # where it is not beside `api_url`

    def __post_init__(self) -> None:
        """Raises `Misconfigured` for what cannot be a GitHub."""
        for name, url in (("GITHUB_API_URL", self.api_url), ("GITHUB_SERVER_URL", self.server_url)):
            _check_url(name, url)
        if not _REPOSITORY.fullmatch(self.repository):
            raise Misconfigured(f"GITHUB_REPOSITORY is {self.repository!r}, not `owner/name`. {_CURE}")
        if not re.fullmatch(r"[!-~]+", self.token):
            state = "holds white space or letters that no token has" if self.token else "is empty"
            raise Misconfigured(f"The input `github_token` {state}. Its default, `${{{{ github.token }}}}`, is right.")

    @property
    def host(self) -> str:
        """The server's, when it is not github.com."""
        name = urlsplit(self.server_url).hostname or ""
        return "" if name == "github.com" else name

    @property
    def limited(self) -> bool:
        """Whether this is GitHub's own service, which asks for a pause between two writes."""
        name = urlsplit(self.api_url).hostname or ""
        return name == "api.github.com" or name.endswith(".ghe.com")

    @property
    def owner(self) -> str:
        return self.repository.partition("/")[0]

    @property
    def of_app(self) -> bool:
        """Whether the token is a GitHub App's, as the one of GitHub Actions is, and not a person's."""
        return self.token.startswith("ghs_")

    def compare_url(self, base: str, branch: str) -> str:
        """Where a person offers `branch` with two clicks."""
        server = self.server_url.rstrip("/")
        return f"{server}/{self.repository}/compare/{quote(base)}...{quote(branch)}?expand=1"


def _check_url(name: str, url: str) -> None:
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname or "@" in parts.netloc:
        raise Misconfigured(f"{name} is {url!r}, not an address such as `https://github.com`. {_CURE}")
