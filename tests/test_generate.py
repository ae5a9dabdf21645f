"""The main job from outside: a real repository, real checks in the real sandbox, a scripted model over HTTP."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from conftest import git
from fakes.model_server import Answer, ModelServer, Stall
from greenloop.commands.evaluate import ALONE
from greenloop.commands.starting import MISNAMED, NOT_COMMITTED
from greenloop.report import trailers
from program import QUICK, run, run_json, start

MODULE = '''"""Sums."""


def total(numbers):
    result = 0
    for number in numbers:
        result = number
    return result
'''
TESTS = """from sums import total


def test_total():
    assert total([1, 2, 3]) == 6


def test_total_of_nothing():
    assert total([]) == 0
"""
FILES = {"sums.py": MODULE, "test_sums.py": TESTS}


def answer(old: str, new: str, summary: str = "fix: add up") -> str:
    return f"Summary: {summary}\n\nsums.py\n```python\n<<<<<<< SEARCH\n{old}\n=======\n{new}\n>>>>>>> REPLACE\n```\n"


WRONG = answer("        result = number", "        result = result - number")
RIGHT = answer("        result = result - number", "        result = result + number")
AT_ONCE = answer("        result = number", "        result = result + number")

Repo = Callable[..., Path]


def ask(server: ModelServer, *words: str) -> tuple[str, ...]:
    model = ("--model", "m", "--api-base", server.api_base, "--test-command", QUICK)
    return ("generate", "total is wrong, see test_total", *model, "--check", "pytest", "--check", "ruff", *words)


def test_a_request_becomes_judged_commits(make_repo: Repo) -> None:
    repo = make_repo(FILES)
    (repo / "notes.txt").write_text("mine\n", "utf-8")
    before = git("status", "--porcelain=v2", cwd=repo), (repo / ".git" / "index").read_bytes()
    with ModelServer([WRONG, RIGHT]) as server:
        code, said = run_json(*ask(server, "--branch", "fix-total"), cwd=repo)
    assert (code, said["status"], said["reason"], said["evidence"]) == (0, "green", "green", "proven(test_total)")
    assert (said["branch"], said["tip"]) == ("fix-total", git("rev-parse", "fix-total", cwd=repo))
    assert git("log", "--format=%s", "main..fix-total", cwd=repo) == "fix: add up\nfix: add up"
    assert (git("status", "--porcelain=v2", cwd=repo), (repo / ".git" / "index").read_bytes()) == before
    marks = trailers.read(git("log", "-1", "--format=%B", "fix-total", cwd=repo))
    assert {k: marks[k] for k in ("Attempt", "Checks", "Verdict", "Evidence", "Model", "Usage")} == {
        "Attempt": "2/4",
        "Checks": "pytest=passed(2) ruff=passed",
        "Verdict": "green",
        "Evidence": "proven(test_total)",
        "Model": "m",
        "Usage": "in=11 out=7 cost=unpriced",
    }
    first, second = (chat["messages"][-1]["content"] for chat in server.chats)
    assert [w in first for w in ("assert 3 == 6", "result = number")] == [True, True]
    shown = [w in second for w in ("assert -6 == 6", "result = result - number", "result = number")]
    assert shown == [True, True, False]
    assert Path(said["url"]).read_text("utf-8").startswith("# fix: add up\n\n**Nothing new is red")
    for commit, verdict in (("fix-total~1", 4), ("fix-total", 0)):
        own = trailers.read(git("log", "-1", "--format=%B", commit, cwd=repo))
        checked = ("--check", "pytest", "--check", "ruff", "--test-command", QUICK)
        code, judged = run_json("evaluate", "--base", "main", *checked, commit, cwd=repo)
        assert (code, judged["checks"], judged["evidence"]) == (verdict, own["Checks"], own["Evidence"])
    code, played = run_json("replay", said["run"], cwd=repo)
    assert (code, [a["tree"] for a in played["attempts"]]) == (0, [a["tree"] for a in said["attempts"]])
    assert git("rev-parse", "fix-total", cwd=repo) == said["tip"]


def test_evaluate_of_what_is_its_own_base_calls_nothing_new(make_repo: Repo) -> None:
    repo = make_repo({"sums.py": MODULE, "test_sums.py": TESTS})
    done = run("evaluate", "--check", "pytest", "--test-command", QUICK, cwd=repo)
    assert done.returncode == 4
    assert done.stdout.splitlines()[4:] == [
        "### Why it is not green",
        "",
        "- 1 finding: pytest 1.",
        f"- {ALONE}",
        "",
        "### Red",
        "",
        r"- pytest `test_sums.py::test_total` `test_sums.py:5` test\_total fails: assert 3 == 6",
    ]


def test_never_right_stops_and_says_so(make_repo: Repo) -> None:
    repo = make_repo(FILES)

    def wrong(_: dict[str, object]) -> str:
        return f"Summary: try\n\nsums.py\n```python\ndef total(numbers):\n    return {-len(server.chats)}\n```\n"

    with ModelServer(wrong) as server:
        code, said = run_json(*ask(server), cwd=repo)
    assert (code, said["status"], said["reason"]) == (4, "red", "unchanged")
    assert len(server.chats) <= 4
    assert len(said["attempts"]) == len(server.chats)
    assert git("branch", "--list", "greenloop/*", cwd=repo).strip() == said["branch"]


def test_the_same_failure_four_times_is_the_end(make_repo: Repo) -> None:
    repo = make_repo(FILES)

    def same(_: dict[str, object]) -> str:
        return (
            f"Summary: try\n\nsums.py\n```python\ndef total(numbers):\n    return 7  # try {len(server.chats)}\n```\n"
        )

    with ModelServer(same) as server:
        code, said = run_json(*ask(server, "--attempts", "6"), cwd=repo)
    assert (code, len(server.chats), said["detail"]) == (4, 4, "The same failure came back four times.")


def test_the_best_attempt_is_the_tip_when_a_later_one_is_worse(make_repo: Repo) -> None:
    tests = TESTS + "\n\ndef test_total_of_floats():\n    assert total([0.5, 0.25]) == 0.75 + len('x')\n"
    repo = make_repo(FILES | {"test_sums.py": tests})
    worse = "Summary: worse\n\nsums.py\n```python\ndef total(numbers):\n    return 1 / 0\n```\n"
    with ModelServer([AT_ONCE, worse]) as server:
        code, said = run_json(*ask(server, "--attempts", "2"), cwd=repo)
    assert (code, said["reason"], said["best"]) == (3, "improved", 1)
    assert said["evidence"] == "proven(test_total)"
    assert git("log", "--format=%s", f"main..{said['branch']}", cwd=repo).splitlines() == [
        "Restore attempt 1, the best so far",
        "worse",
        "fix: add up",
    ]
    assert git("rev-parse", f"{said['branch']}^{{tree}}", cwd=repo) == said["attempts"][0]["tree"]
    assert Path(said["url"]).read_text("utf-8").startswith("# Draft: [not green] fix: add up")


def test_tests_and_checks_cannot_be_changed_to_pass(make_repo: Repo) -> None:
    repo = make_repo(FILES)
    easy = "\n\n".join(f"def {name}():\n    assert True\n" for name in ("test_total", "test_total_of_nothing"))
    wrong = AT_ONCE.replace("Summary: fix: add up\n\n", "").replace("result + number", "result + 2 * number")
    cheat = f"Summary: pass\n\ntest_sums.py\n```python\n{easy}```\n\n{wrong}"
    config = "Summary: x\n\n.git/config\n```\n[core]\n```\n"
    hook = "Summary: x\n\n.github/workflows/ci.yml\n```\non: push\n```\n"
    with ModelServer([cheat, config, hook]) as server:
        code, said = run_json(*ask(server), cwd=repo)
    assert (code, said["unusable"], len(said["attempts"])) == (4, 2, 1)
    assert git("show", f"{said['branch']}:test_sums.py", cwd=repo) + "\n" == TESTS
    assert any("test_sums.py" in note for note in said["attempts"][0]["notes"])
    assert ".git" in server.chats[2]["messages"][-1]["content"]


def test_the_same_tree_is_not_judged_twice(make_repo: Repo) -> None:
    repo = make_repo(FILES)
    other = answer("        result = result - number", "        result = result * number", "fix: multiply")
    back = answer("        result = result * number", "        result = result - number", "fix: the first again")
    right = answer("        result = result * number", "        result = result + number")
    with ModelServer([WRONG, other, back, right]) as server:
        code, said = run_json(*ask(server), cwd=repo)
    assert (code, said["unusable"], len(said["attempts"])) == (0, 1, 3)
    assert "attempt 1 again" in server.chats[3]["messages"][1]["content"]


def test_a_change_of_protected_files_alone_is_no_attempt(make_repo: Repo) -> None:
    repo = make_repo(FILES)
    cheat = answer("    assert total([1, 2, 3]) == 6", "    pass", "easy").replace("sums.py", "test_sums.py")
    with ModelServer([cheat, AT_ONCE]) as server:
        code, said = run_json(*ask(server), cwd=repo)
    assert (code, said["unusable"], len(said["attempts"])) == (0, 1, 1)
    assert "test_sums.py" in server.chats[1]["messages"][1]["content"].split("# Your last answer did not count")[1]


def test_a_test_added_to_an_existing_file_is_judged_and_told(make_repo: Repo) -> None:
    repo = make_repo(FILES)
    added = "def test_total_of_nothing():\n    assert total([]) == 0\n"
    pair = f"{added}\n\ndef test_pair():\n    assert total([2, 3]) == {{}}\n"
    block = f"test_sums.py\n```python\n<<<<<<< SEARCH\n{added}=======\n{pair}>>>>>>> REPLACE\n```\n"
    again = block.replace(added, "def test_pair():\n    assert total([2, 3]) == 6\n", 1).split("=======")[0]
    mend = f"Summary: right\n\n{again}=======\ndef test_pair():\n    assert total([2, 3]) == 5\n>>>>>>> REPLACE\n```\n"
    with ModelServer([AT_ONCE + "\n" + block.format(6), mend]) as server:
        code, said = run_json(*ask(server), cwd=repo)
    assert "assert 5 == 6" in server.chats[1]["messages"][1]["content"]
    assert (code, said["evidence"]) == (0, "proven(test_total, own test_pair)")
    assert "def test_pair" in git("show", f"{said['branch']}:test_sums.py", cwd=repo)


def test_a_worse_attempt_is_not_built_upon(make_repo: Repo) -> None:
    repo = make_repo(
        FILES | {"test_one.py": "from sums import total\n\n\ndef test_one():\n    assert total([4]) == 4\n"}
    )
    same = answer("        result = number", "        result = number + 0", "no better")
    worse = "Summary: worse\n\nsums.py\n```python\ndef total(numbers):\n    return 1 / 0\n```\n"
    right = answer("        result = number + 0", "        result = result + number")
    with ModelServer([same, worse, right]) as server:
        code, said = run_json(*ask(server), cwd=repo)
    assert (code, said["unusable"], len(said["attempts"])) == (0, 0, 3)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_lands_the_best_attempt(make_repo: Repo, number: int) -> None:
    repo = make_repo(FILES)
    with (
        ModelServer([WRONG, Stall("Summ")]) as server,
        start(*ask(server, "--branch", "fix"), "--json", cwd=repo) as process,
    ):
        server.wait_for(2)
        process.send_signal(number)
        out, err = process.communicate(timeout=60)
    said = json.loads(out)
    assert (process.returncode, said["reason"], len(said["attempts"])) == (130, "stopped", 1), err
    assert said["tip"] == git("rev-parse", "fix", cwd=repo) == said["attempts"][0]["commit"]
    assert git("rev-parse", f"refs/greenloop/runs/{said['run']}^", cwd=repo) == said["tip"]


def test_a_killed_run_goes_on_where_it_was(make_repo: Repo) -> None:
    repo = make_repo(FILES)
    with ModelServer([WRONG, Stall("Summ"), RIGHT]) as server:
        with start(*ask(server, "--branch", "fix"), cwd=repo) as process:
            server.wait_for(2)
            process.kill()
            process.communicate(timeout=60)
        first = git("rev-parse", "fix", cwd=repo)
        code, said = run_json(*ask(server, "--branch", "fix", "--no-cache"), cwd=repo)
    assert (code, said["reason"], len(said["attempts"]), len(server.chats)) == (0, "green", 2, 3)
    assert git("rev-parse", "fix~1", cwd=repo) == first
    assert said["attempts"][0]["commit"] == first


def test_a_package_in_a_monorepo(make_repo: Repo) -> None:
    inner = {f"packages/sums/{path}": text for path, text in FILES.items()}
    repo = make_repo(inner | {"packages/other/test_other.py": "def test_other():\n    assert 1 == 2\n"})
    with ModelServer([AT_ONCE.replace("sums.py", "packages/sums/sums.py")]) as server:
        code, said = run_json(*ask(server, "--directory", "packages/sums"), cwd=repo)
    assert (code, said["attempts"][0]["checks"]) == (0, "pytest=passed(2) ruff=passed")


def test_what_must_not_be_sent_is_not_sent(make_repo: Repo) -> None:
    key = "ghp_" + "a1" * 18
    repo = make_repo(
        FILES
        | {
            "settings_local.py": f"TOKEN = '{key}'\n",
            ".env": "PASSWORD=hunter2\n",
            "customers/list.txt": "Grace Hopper\n",
            ".github/greenloop.yml": "never_send: ['customers/**']\n",
        }
    )
    hidden = "Summary: x\n\n.env\n```\nPASSWORD=1\n```\n"
    named = ("--file", ".env", "--file", "customers/list.txt", "--file", "settings_local.py", "--file", "sums.py")
    echoed = "The key is sk-secret-of-the-user.\n\n" + AT_ONCE
    with ModelServer([hidden, echoed]) as server:
        code, said = run_json(*ask(server, *named), cwd=repo, GREENLOOP_API_KEY="sk-secret-of-the-user")
    sent = str(server.chats)
    assert (code, said["unusable"]) == (0, 1)
    assert [word for word in (key, "hunter2", "Grace Hopper") if word in sent] == []
    assert said["omitted"] == [
        ".env: never sent to a model",
        "customers/list.txt: never sent to a model",
        "settings_local.py: holds something that looks like a secret",
    ]
    record = git("show", f"refs/greenloop/runs/{said['run']}:recording.jsonl", cwd=repo)
    assert "sk-secret-of-the-user" not in record


BAD: list[tuple[str, dict[str, str], tuple[str, ...], int, str]] = [
    ("unknown base", FILES, ("--base", "nowhere"), 2, "nowhere"),
    ("no tests", {"sums.py": MODULE}, ("--file", "sums.py"), 0, ""),
    ("tests that cannot start", FILES | {"conftest.py": "def broken(:\n"}, (), 7, "conftest"),
    ("a missing library", {"test_a.py": "import nowhere_at_all\n"}, (), 7, "nowhere_at_all"),
    ("a branch that exists", FILES, ("--branch", "main"), 2, "main"),
    ("a branch that git does not take", FILES, ("--branch", "a b..c"), 2, "'a b..c' is no name"),
    ("a file that is not there", FILES, ("--file", "lib/sums.py"), 2, "no such file. There is: sums.py."),
    (
        "an option with a slip",
        FILES,
        ("--modle", "m"),
        2,
        "greenloop generate: error: unrecognized arguments: --modle m. Did you mean --model?",
    ),
    ("a setting that is none", FILES, ("--attempts", "many"), 2, "--attempts"),
    ("a check that is none", FILES, ("--check", "pylint"), 2, "pylint"),
    ("a budget too small", FILES, ("--max-tokens", "100"), 6, "tokens"),
    ("a settings file with a slip", FILES | {".github/greenloop.yml": "atempts: 3\n"}, (), 2, "attempts"),
]


@pytest.mark.parametrize(("files", "words", "code", "said"), [b[1:] for b in BAD], ids=[b[0] for b in BAD])
def test_bad_input_is_told_and_costs_nothing(
    make_repo: Repo, files: dict[str, str], words: tuple[str, ...], code: int, said: str
) -> None:
    repo = make_repo(files)
    head = git("rev-parse", "HEAD", cwd=repo)
    with ModelServer([AT_ONCE]) as server:
        done = run(*ask(server, *words), cwd=repo)
        assert len(server.chats) == (1 if code == 0 else 0)
    assert done.returncode == code, done.stderr
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert git("rev-parse", "HEAD", cwd=repo) == head


def test_settings_that_are_not_committed_are_told_of(make_repo: Repo) -> None:
    repo = make_repo(FILES)
    settings = repo / ".github/greenloop.yml"
    settings.parent.mkdir()
    settings.with_suffix(".yaml").write_text("model: m\n", "utf-8")
    told = run("generate", "x", cwd=repo).stderr.splitlines()[0]
    assert told == f"greenloop: {MISNAMED.format(other='.github/greenloop.yaml', file='.github/greenloop.yml')}"
    settings.write_text("model: m\n", "utf-8")
    base = git("rev-parse", "HEAD", cwd=repo)[:9]
    said = f"greenloop: {NOT_COMMITTED.format(file='.github/greenloop.yml', base=base)}"
    done = run("generate", "x", cwd=repo)
    assert (done.returncode, done.stderr.splitlines()[:2]) == (
        2,
        [said, "greenloop: No model is named. Name one in one of these ways:"],
    )
    git("add", "-A", cwd=repo)
    git("commit", "-q", "-m", "settings", cwd=repo)
    assert run("generate", "x", cwd=repo).stderr.startswith("greenloop: The model 'm' names no provider.")
    settings.write_bytes(b"model: m\r\n")  # as a checkout with other ends of lines has it
    assert run("generate", "x", cwd=repo).stderr.startswith("greenloop: The model 'm' names no provider.")


def test_a_model_that_cannot_be_had(make_repo: Repo, tmp_path: Path) -> None:
    repo = make_repo(FILES)
    done = run("generate", "x", cwd=repo)
    assert (done.returncode, "--model" in done.stderr) == (2, True)
    done = run("generate", "x", "--model", "m", "--api-base", "http://127.0.0.1:9/v1", "--check", "pytest", cwd=repo)
    assert (done.returncode, "127.0.0.1:9" in done.stderr) == (8, True)
    with ModelServer([AT_ONCE], key="right") as server:
        done = run(*ask(server), cwd=repo, GREENLOOP_API_KEY="wrong-key-of-the-user")
    assert (done.returncode, "wrong-key-of-the-user" in done.stderr + done.stdout) == (8, False)
    with ModelServer([Answer("I am sorry, I cannot."), Answer("")]) as server:
        code, said = run_json(*ask(server), cwd=repo)
    assert (code in {4, 8}, said["attempts"]) == (True, [])
    done = run("generate", "x", "--model", "m", cwd=tmp_path)
    assert (done.returncode, "git" in done.stderr) == (2, True)
    done = run("generate", "  ", cwd=repo)
    assert (done.returncode, done.stderr.startswith("greenloop: The request is empty.")) == (2, True)
