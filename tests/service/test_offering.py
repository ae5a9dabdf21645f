"""The pull request of a run: its title as people write here, labels, reviewers, the name of its branch."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from fakes.github.faults import refused
from fakes.model_server import ModelServer
from greenloop.configuration import load
from greenloop.errors import Misconfigured
from greenloop.forge.github import Proposed
from greenloop.report import branches
from greenloop.service.offering import Offering
from greenloop.settings import Settings
from job_step import AT_ONCE, FILES, Step, asked, seen
from values import request

CONFIG = ".github/greenloop.yml"
OFFERED = """
labels: [bot, "needs: eyes"]
reviewers: [requester, codeowners, org/team-b, ada]
branch: 'bots/{requester}/{about}-{key}'
"""
OWNERS = "* @cleo @org/team-a\nsums.py @dana @github-actions[bot] @org/team-a\n"


def merged(step: Step, *titles: str, author: str = "bob") -> None:
    git = step.fake.world.repositories["octo/sums"].git
    for n, title in enumerate(titles):
        git.commit(f"old-{author[:3]}-{n}", {f"{n}.md": "x\n"})
        pull = step.fake.pull_request(f"old-{author[:3]}-{n}", title, author=author)
        pull.state = "closed"
        assert pull.pull is not None
        pull.pull.merged_at = pull.updated_at


def offered(step: Step, config: str = "", code: int = 0) -> dict[str, object]:
    """The pull request that a run makes, and that the same event again leaves as it is."""
    git = step.fake.world.repositories["octo/sums"].git
    git.commit("main", {CONFIG: FILES[CONFIG] + config, ".github/CODEOWNERS": OWNERS}, "configure")
    payload = asked(step)
    with ModelServer([AT_ONCE]) as server:
        given, log = step.run("issue_comment", payload, server)
        assert given == code, log
        first = seen(step)
        assert step.run("issue_comment", payload, server)[0] == code
    assert seen(step) == first
    found: dict[str, object] = list(first["issues"].values())[-1]
    return found


def test_a_pull_request_is_as_people_make_them_here(step: Step) -> None:
    step.fake.user("dana", permission="write")
    merged(step, "ABC-1: Mend a.", "ABC-2: Add b.", "ABC-3: Drop c.")
    merged(step, *("fix: bump",) * 9, author="dependabot[bot]")
    issue = step.fake.issue("ABC-77 Totals", "They are wrong.", author="bob")
    git = step.fake.world.repositories["octo/sums"].git
    git.commit("main", {CONFIG: FILES[CONFIG] + OFFERED, ".github/CODEOWNERS": OWNERS}, "configure")
    payload = step.fake.event("issue_comment", step.fake.comment(issue.number, "/generate mend test_total"))
    with ModelServer([AT_ONCE]) as server:
        code, log = step.run("issue_comment", payload, server)
        assert code == 0, log
    pull = seen(step)["issues"][issue.number + 1]
    assert pull["title"] == "ABC-77: Add up."
    assert pull["labels"] == ["bot", "needs: eyes"]
    assert pull["reviewers"] == ["ada", "dana", "/team-a", "/team-b"]
    assert pull["head"].startswith("bots/ada/issue-13-")


def test_what_goes_wrong_around_it_is_told_and_ends_nothing(step: Step) -> None:
    step.fake.on("GET", "/pulls$", refused(403, "no list"), times=1)
    step.fake.on("POST", "/labels$", refused(422, "no label"))
    step.fake.on("POST", "/requested_reviewers$", refused(422, "no reviewer"))
    pull = offered(step, "labels: [bot]\n")
    assert (pull["title"], "labels" in pull, "reviewers" in pull) == ("fix: add up", False, False)


def test_a_plain_title_asks_for_no_other() -> None:
    nobody: Any = None
    plain = Offering(nobody, request(), Settings(title_style="plain", reviewers=()), about=1)
    assert plain.title("[not green] fix: add up") == "[not green] fix: add up"


class Ours:
    """A GitHub where we are ada, by a token of hers."""

    def __init__(self) -> None:
        self.asked: list[tuple[tuple[str, ...], tuple[str, ...]]] = []

    def whoami(self) -> str:
        return "ada"

    def ask_reviewers(self, number: int, people: tuple[str, ...], teams: tuple[str, ...]) -> None:
        assert number == 2
        self.asked.append((people, teams))


def test_nobody_reviews_what_is_their_own_or_a_draft() -> None:
    """And of what was there before, whom people have taken off the list stays off it."""
    github: Any = Ours()
    made = Proposed(number=2, url="", draft=False, created=True)
    for reviewers in (("requester",), ("requester", "bob", "org/team", "@ada")):
        offering = Offering(github, request(actor="ada"), Settings(reviewers=reviewers), about=1)
        for proposed in (made, replace(made, draft=True), replace(made, created=False)):
            offering.made(proposed, "main", ())
    assert github.asked == [(("bob",), ("team",))]


def test_the_name_of_a_branch() -> None:
    asked_for = request("Add a *retry* to …", number=12, actor="A_da", key="comment-1-0123456789ab", command="generate")
    made = branches.named("greenloop/{about}-{slug}-{key}", asked_for)
    assert made == "greenloop/issue-12-add-a-retry-to-6789ab"
    assert branches.named("{about}-{key}", replace(asked_for, fork=True)) == "pull-12-6789ab"
    assert branches.named("{requester}/{command}/{key}", asked_for) == "a-da/generate/6789ab"
    assert branches.named("{about}-{slug}-{key}", request("…", key="abc")) == "run-change-abc"


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("branch: x/{slug}", "`branch` has no `{key}`"),
        ("branch: x/{title}-{key}", "`branch` has `{title}`, which stands for nothing."),
        ("branch: x/../{key}", "`branch` makes `x/../a`, which git or GitHub does not take"),
        ("branch: '-{key}'", "`branch` makes `-a`"),
        ("branch: 'x {key}'", "`branch` makes `x a`"),
        ("branch: '{key}.lock'", "`branch` makes `a.lock`"),
        ("title_style: odd", "`title_style` must be `auto` or `plain`, not `odd`."),
        ("reviewers: ['a b']", "`reviewers` holds `a b`"),
        ("labels: ['']", "`labels` holds ``"),
    ],
)
def test_settings_that_cannot_be(line: str, told: str) -> None:
    with pytest.raises(Misconfigured) as caught:
        load(f"{line}\n")
    assert told in str(caught.value)
