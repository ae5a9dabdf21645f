"""One request to the REST interface: who asks what of which repository."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from fakes.github.state import Refusal, Repository, Token, World, not_found

INTEGRATION = "Resource not accessible by integration"


@dataclass(frozen=True, kw_only=True)
class Call:
    world: World
    token: Token | None
    args: Mapping[str, str]
    query: Mapping[str, str]
    body: Mapping[str, Any]

    @property
    def repository(self) -> Repository:
        """The one that is named, if the token may see it."""
        found = self.world.repositories.get(f"{self.args['owner']}/{self.args['name']}")
        if found is None:
            raise not_found()
        if found.private and not self._sees(found):
            raise not_found()
        return found

    def _sees(self, repository: Repository) -> bool:
        if self.token is None:
            return False
        if self.token.kind == "app":
            return self.token.repository == repository.full_name
        return repository.may(self.token.user.login, "read")

    @property
    def number(self) -> int:
        return int(self.args["number"])

    @property
    def sender(self) -> Token:
        if self.token is None:
            raise Refusal(401, "Requires authentication")
        return self.token


@dataclass(frozen=True, kw_only=True)
class Reply:
    data: object
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
