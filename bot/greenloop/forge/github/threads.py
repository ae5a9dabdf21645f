"""Threads of reviews: read by GraphQL, which alone knows what is resolved and where a line is now; answered once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from greenloop.forge.github import reading
from greenloop.forge.github.asking import Api
from greenloop.forge.github.bodies import fitted, marked, marker
from greenloop.forge.github.errors import Ask, foreign
from greenloop.forge.github.reading import Json
from greenloop.forge.github.values import ReviewThread, Said, Threads

_PAGES = 10  # of fifty threads each
_READ = "pull-requests: read"
_QUERY = """
query($owner: String!, $name: String!, $number: Int!, $after: String) {
  repository(owner: $owner, name: $name) {
    pullRequest(number: $number) {
      headRefOid
      reviewThreads(first: 50, after: $after) {
        pageInfo { hasNextPage endCursor }
        nodes {
          id isResolved isOutdated path line startLine diffSide startDiffSide subjectType
          comments(first: 100) {
            nodes {
              fullDatabaseId body publishedAt lastEditedAt
              author { __typename login }
              pullRequestReview { fullDatabaseId }
            }
          }
        }
      }
    }
  }
}
"""
_RESOLVE = "mutation($id: ID!) { resolveReviewThread(input: {threadId: $id}) { thread { isResolved } } }"


def threads(api: Api, number: int) -> Threads:
    """All of them, oldest first; of a very long conversation the first thousand and more."""
    found: list[ReviewThread] = []
    after: str | None = None
    for _ in range(_PAGES):
        head, page = _page(api, number, after)
        found += reading.read_all(_thread, page["nodes"])
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            break
    return Threads(head=head, all=tuple(found))


def _page(api: Api, number: int, after: str | None) -> tuple[str, Json]:
    ask = Ask(doing=f"read the review threads of #{number}", needs=_READ)
    owner, _, name = api.connection.repository.partition("/")
    data = api.graphql(ask, _QUERY, {"owner": owner, "name": name, "number": number, "after": after})
    try:
        pull = data["repository"]["pullRequest"]
        page: Json = pull["reviewThreads"]
        return str(pull["headRefOid"]), {"nodes": list(page["nodes"]), "pageInfo": dict(page["pageInfo"])}
    except (KeyError, TypeError) as error:
        raise foreign(f"{type(error).__name__} {error} in what should be the review threads") from None


def _thread(raw: Json) -> ReviewThread:
    """What is outdated has no line that could be trusted, whatever else is said of it."""
    placed = raw["subjectType"] == "LINE" and not raw["isOutdated"]
    line = raw["line"] if placed else None
    return ReviewThread(
        node=str(raw["id"]),
        path=str(raw["path"]),
        start=None if line is None else int(raw["startLine"] or line),
        line=None if line is None else int(line),
        left="LEFT" in {raw["diffSide"], raw["startDiffSide"]},
        outdated=bool(raw["isOutdated"]),
        resolved=bool(raw["isResolved"]),
        comments=reading.read_all(_said, raw["comments"]["nodes"]),
    )


def _said(raw: Json) -> Said:
    review = raw["pullRequestReview"]
    return Said(
        id=int(raw["fullDatabaseId"]),
        author=_login(raw["author"]),
        body=raw["body"] or "",
        published_at=raw["publishedAt"] or "",
        edited_at=raw["lastEditedAt"],
        review=int(review["fullDatabaseId"]) if review else None,
    )


def _login(author: dict[str, Any] | None) -> str:
    """As REST writes it: GraphQL leaves out the `[bot]` of apps, and sends null for a deleted account."""
    if author is None:
        return "ghost"
    login = str(author["login"])
    return f"{login}[bot]" if author["__typename"] == "Bot" and not login.endswith("[bot]") else login


def answered(found: ReviewThread, key: str, me: str) -> int | None:
    """Our answer of the run `key` in this thread. Anybody can type a marker; only we can be we."""
    ours = (c.id for c in found.comments if c.author == me and c.body.startswith(marker(key)))
    return next(ours, None)


def answer(api: Api, number: int, found: ReviewThread, *, key: str, body: str, me: Callable[[], str]) -> int:
    """A reply in this thread, once a run: after a lost answer only when it is not there."""
    known = answered(found, key, me())
    if known is not None:
        return known

    def look() -> object:
        now = next((t for t in threads(api, number).all if t.node == found.node), None)
        there = answered(now, key, me()) if now else None
        return None if there is None else {"id": there}

    ask = Ask(
        verb="POST",
        path=f"{api.repo}/pulls/{number}/comments/{found.comments[0].id}/replies",
        doing=f"answer in a review thread of #{number}",
        needs="pull-requests: write",
        body={"body": fitted(marked(key, api.clean(body)))},
        repeatable=False,
    )
    return reading.read(reading.identity, api.write(ask, look=look))


def resolve(api: Api, number: int, node: str) -> None:
    """Twice is once."""
    ask = Ask(doing=f"resolve a review thread of #{number}", needs="contents: write` and `pull-requests: write")
    api.graphql(ask, _RESOLVE, {"id": node})
