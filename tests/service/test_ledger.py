"""The ledger in the repository: one step after another, whoever else is at it, and never on trust."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType

import pytest

from conftest import git
from fakes.asking import CHAT, LIMITS, ask
from fakes.model_server import Answer, ModelServer
from fakes.scripted import Scripted, reply
from greenloop.errors import NotPushed, OutOfBudget
from greenloop.model.accounted import Accounted
from greenloop.model.budget import most_tokens
from greenloop.records.ledger import Account, Amount, Room
from greenloop.records.ledger_lines import Line, dumps, loads
from greenloop.service.ledger import LEDGER, RefLedger
from greenloop.workspace import Remote
from job_step import FILES, Step, asked, seen

CONFIG = ".github/greenloop.yml"
MOST = most_tokens(CHAT) + LIMITS.max_output


class There:
    """A repository elsewhere, and runners with clones of their own."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self.folder, self._stack, self._made = folder, stack, 0
        self.url = folder / "there.git"
        work = folder / "work"
        git("init", "-q", "--bare", str(self.url), cwd=folder)
        git("init", "-q", str(work), cwd=folder)
        git("commit", "-q", "--allow-empty", "-m", "initial", cwd=work)
        git("push", "-q", str(self.url), "HEAD:refs/heads/main", cwd=work)
        self.now = datetime(2026, 11, 21, 12, tzinfo=UTC)
        self.slept: list[float] = []

    def runner(
        self, requester: str = "ada", *, before: Callable[[], None] = lambda: None, **limits: float
    ) -> RefLedger:
        """`before` happens between its look at the ledger and its first push."""
        self._made += 1
        clone = self.folder / f"clone-{self._made}"
        clone.mkdir()
        remote = Meanwhile(url=f"file://{self.url}", token="t", before=[before])
        about = Account(requester=requester, repository="octo/sums", run="7", **limits)  # type: ignore[arg-type]
        return RefLedger(
            self._stack.enter_context(remote.clone(clone, ["refs/heads/main"])),
            remote,
            clone,
            about,
            now=lambda: self.now,
            sleep=self.slept.append,
            draw=lambda: 1.0,
        )

    def write(self, data: bytes, name: str = "2026-11.jsonl") -> None:
        work = self.folder / "work"
        (work / name).write_bytes(data)
        git("add", "-A", cwd=work)
        git("commit", "-q", "-m", "by hand", cwd=work)
        git("push", "-q", "-f", str(self.url), f"HEAD:{LEDGER}", cwd=work)

    def lines(self, month: str = "2026-11") -> tuple[Line, ...]:
        return loads(git("show", f"{LEDGER}:{month}.jsonl", cwd=self.url).encode())

    def steps(self) -> int:
        return int(git("rev-list", "--count", LEDGER, cwd=self.url))


class Meanwhile(Remote):
    def __init__(self, *, url: str, token: str, before: list[Callable[[], None]]) -> None:
        super().__init__(url=url, token=token)
        object.__setattr__(self, "_before", before)

    def push(self, folder: Path, sha: str, ref: str, *, expected: str | None) -> None:
        before: list[Callable[[], None]] = self.__dict__["_before"]
        if before:
            before.pop()()
        super().push(folder, sha, ref, expected=expected)

    def environment(self, more: Mapping[str, str] = MappingProxyType({})) -> dict[str, str]:
        """It lies in a folder, and a remote speaks HTTP alone."""
        return {**super().environment(more), "GIT_ALLOW_PROTOCOL": "file"}


@pytest.fixture
def there(tmp_path: Path) -> Iterator[There]:
    with ExitStack() as stack:
        yield There(tmp_path, stack)


def take(tokens: int) -> Callable[[tuple[Room, ...]], Amount]:
    def fit(rooms: tuple[Room, ...]) -> Amount:
        for room in rooms:
            if room.left < tokens:
                raise room.refusal(tokens)
        return Amount(tokens, 10 * tokens)

    return fit


def holding(ledger: RefLedger, tokens: int) -> None:
    ledger.hold(take(tokens))


def whole(tokens: int, micros: int, requester: str = "ada", day: str = "2026-11-21") -> Line:
    return Line(day=day, requester=requester, amount=Amount(tokens, micros))


def test_two_calls_are_three_steps_and_one_line(there: There) -> None:
    ledger = there.runner(monthly_tokens=10_000)
    model = Accounted(Scripted(reply(), reply()), ledger)
    assert [ask(model), ask(model)] == [reply(), reply()]
    (settled, held) = there.lines()
    assert settled == whole(18, 0)
    assert (held.amount, held.requester, held.run) == (Amount(MOST, 0), "ada", "7")
    ledger.close()
    assert (there.lines(), there.steps()) == ((whole(36, 0),), 3)


def test_what_a_killed_runner_held_counts_in_full(there: There) -> None:
    there.runner(daily_tokens=100).hold(take(60))
    with pytest.raises(OutOfBudget, match="up to 50 tokens, and 40 of 100 that ada may spend a day are left"):
        there.runner(daily_tokens=100).hold(take(50))
    there.runner("bob", daily_tokens=100).hold(take(50))


def test_of_two_who_try_the_second_reads_again(there: There) -> None:
    other = there.runner(monthly_tokens=100)
    late = there.runner("bob", monthly_tokens=100, before=lambda: holding(other, 60))
    late.hold(take(30))
    assert sorted(line.amount.tokens for line in there.lines()) == [30, 60]
    assert (there.steps(), there.slept) == (2, [0.2])
    third = there.runner("eve", monthly_tokens=100, before=lambda: holding(late, 10))
    with pytest.raises(OutOfBudget, match="up to 10 tokens, and 0 of 100 that octo/sums may spend a month are left"):
        third.hold(take(10))


def test_a_push_whose_answer_was_lost_counts_once(there: There) -> None:
    ledger = there.runner(monthly_tokens=100)
    push = ledger._remote.push

    def lost(folder: Path, sha: str, ref: str, *, expected: str | None) -> None:
        push(folder, sha, ref, expected=expected)
        object.__setattr__(ledger._remote, "push", push)
        raise NotPushed("the connection broke")

    object.__setattr__(ledger._remote, "push", lost)
    held = ledger.hold(take(60))
    assert [line.held for line in there.lines()] == [held]
    ledger.settle(held, Amount(5, 6))
    ledger.close()
    assert there.lines() == (whole(5, 6),)


def test_what_is_not_ours_stops_every_run_and_says_how_to_go_on(there: There) -> None:
    there.write(dumps([whole(1, 2)]) + b'{"tokens": -100}\n')
    with pytest.raises(OutOfBudget) as caught:
        there.runner(monthly_tokens=10**9).hold(take(1))
    assert str(caught.value) == (
        "The limits by day and month cannot be held without their ledger, refs/greenloop/ledger: 2026-11.jsonl: line 2 "
        "is not one that greenloop has written. Whoever may push can look at it (git log -p) or begin a new one: "
        "git push origin :refs/greenloop/ledger"
    )


def test_a_ledger_that_cannot_be_pushed_is_no_licence(there: There) -> None:
    ledger = there.runner(monthly_tokens=10**9)
    hook = there.url / "hooks" / "pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\nexit 1\n")
    hook.chmod(0o755)
    with pytest.raises(
        OutOfBudget, match=r"cannot be held without their ledger, refs/greenloop/ledger: .*contents: write"
    ):
        ledger.hold(take(1))


def test_a_call_over_midnight_counts_in_the_month_it_was_held_in(there: There) -> None:
    there.write(dumps([whole(7, 8, day="2026-09-30")]), "2026-09.jsonl")
    there.write(dumps([whole(1, 2, day="2026-10-31")]), "2026-10.jsonl")
    there.now = datetime(2026, 10, 31, 23, 59, tzinfo=UTC)
    ledger = there.runner(monthly_tokens=100)
    first = ledger.hold(take(60))
    ledger.settle(first, Amount(10, 20))
    there.now = datetime(2026, 11, 1, tzinfo=UTC)
    ledger.hold(take(100))
    assert there.lines("2026-10") == (whole(11, 22, day="2026-10-31"),)
    assert [line.amount.tokens for line in there.lines()] == [100]
    assert git("ls-tree", "--name-only", LEDGER, cwd=there.url).split() == ["2026-10.jsonl", "2026-11.jsonl"]


def test_a_month_on_github_outlives_its_runners(step: Step) -> None:
    limits = "monthly_tokens: 9000\nmax_output: 2000\n"
    step.fake.repository("octo/sums", {**FILES, CONFIG: FILES[CONFIG] + limits})
    step.fake.user("ada", permission="write")
    usage = {"prompt_tokens": 3000, "completion_tokens": 500}
    wrong = [Answer(f"Summary: try\n\nsums.py\n```\ntotal = {n}\n```\n", usage=usage) for n in range(3)]
    with ModelServer(wrong) as server:
        code, log = step.run("issue_comment", asked(step), server)
        asked_for = len(server.chats)
    assert (code, asked_for) == (6, 2), log
    refs = seen(step)["refs"]
    assert refs[LEDGER] == ["Spent by ada"] * 3
    with ModelServer([]) as server:  # another runner, on the same day
        code, log = step.run("issue_comment", asked(step), server, GREENLOOP_STORE=str(step.folder / "another"))
        assert (code, server.chats) == (6, [])
    assert "and 2000 of 9000 that octo/sums may spend a month are left. `monthly_tokens` frees up on" in log
    assert seen(step)["refs"][LEDGER] == refs[LEDGER], "nothing was held, so nothing was written"
