"""Shapes of credentials: one made-up value of each kind, what is no credential, and that none leaves a run."""

from __future__ import annotations

import random
import string
from collections.abc import Callable
from pathlib import Path

import pytest

from conftest import git
from fakes.model_server import ModelServer
from greenloop.domain import Finding
from greenloop.engine.candidate import without_secrets
from greenloop.hygiene.clean import clean
from greenloop.hygiene.secrets import REMOVED, found, holds_secret, replaced, scrub
from greenloop.workspace import open_workspace
from program import QUICK, run_json

ANY, HEX, UPPER = string.ascii_letters + string.digits, "0123456789abcdef", string.ascii_uppercase + string.digits


def made(*parts: str | int, letters: str = ANY) -> str:
    """Literal parts, and as many characters as a number says. Put together here, so that no scanner finds it."""
    dice = random.Random("".join(map(str, parts)))  # noqa: S311 - the same each time
    return "".join(p if isinstance(p, str) else "".join(dice.choices(letters, k=p)) for p in parts)


SAMPLES = [
    ("private key", "-----BEGIN OPENSSH PRIVATE KEY-----"),
    ("AWS access key", made("AKIA", 16, letters=UPPER)),
    ("GitHub token", made("ghp_", 36)),
    ("GitHub token", made("github_pat_", 82)),
    ("GitLab token", made("glpat-", 20)),
    ("model provider key", made("sk-proj-", 48)),
    ("model provider key", made("sk-ant-api03-", 90)),
    ("Hugging Face token", made("hf_", 34)),
    ("Groq key", made("gsk_", 52)),
    ("Replicate token", made("r8_", 37)),
    ("Slack token", made("xoxb-", 12, "-", 13, "-", 24)),
    ("Slack token", made("xapp-1-", 11, "-", letters=UPPER) + made(13, "-", 64, letters="1234567890")),
    ("Slack webhook", made("https://hooks.slack.com/services/T", 8, "/B", 10, "/", 24)),
    ("Discord webhook", made("https://discord.com/api/webhooks/123456789123456789/", 68).replace("1234567", "9274615")),
    ("Google key", made("AIza", 35)),
    ("Google client secret", made("GOCSPX-", 28)),
    ("PyPI token", made("pypi-AgEI", 150)),
    ("npm token", made("npm_", 36)),
    ("Docker Hub token", made("dckr_pat_", 27)),
    ("Stripe key", made("sk_live_", 24)),
    ("Twilio key", made("SK", 32, letters=HEX)),
    ("SendGrid key", made("SG.", 22, ".", 43)),
    ("DigitalOcean token", made("dop_v1_", 64, letters=HEX)),
    ("Shopify token", made("shpat_", 32, letters=HEX)),
    ("Databricks token", made("dapi", 32, letters=HEX)),
    ("Grafana token", made("glsa_", 41)),
    ("Linear key", made("lin_api_", 40)),
    ("Vault token", made("hvs.", 95)),
    ("Terraform token", made(14, ".atlasv1.", 67)),
    ("Azure storage key", made("AccountKey=", 86, "==")),
    ("age key", made("AGE-SECRET-KEY-1", 58, letters=UPPER)),
    ("GitHub token of git", made("eC1hY2Nlc3MtdG9rZW46", 40)),
    ("JSON web token", made("eyJ", 20, ".eyJ", 40, ".", 43)),
]


@pytest.mark.parametrize(("kind", "key"), SAMPLES, ids=[kind for kind, _ in SAMPLES])
def test_each_kind_is_seen_and_removed(kind: str, key: str) -> None:
    text = f"token = '{key}'\nother = 1\n"
    assert (holds_secret(text), list(found(text))) == (True, [(kind, key)])
    assert scrub(text) == replaced(text)[0] == f"token = '{REMOVED}'\nother = 1\n"


@pytest.mark.parametrize(
    "text",
    [
        "key = os.environ['API_KEY']\n",
        "sk_learn = 'sk-learn'\n",
        f"sha = '{made(64, letters=HEX)}'\n",
        "uuid = '2f1c9d3e-6a7b-4c8d-9e0f-1a2b3c4d5e6f'\n",
        "-----BEGIN CERTIFICATE-----\n",
        f"integrity sha512-{made(86)}==\n",
    ],
)
def test_code_that_only_speaks_of_keys_is_no_secret(text: str) -> None:
    assert (holds_secret(text), scrub(text), replaced(text)) == (False, text, (text, ()))


@pytest.mark.parametrize(
    "key", ["AKIA" + "Z" * 16, "AKIAIOSFODNN7EXAMPLE", "ghp_" + "x" * 36, "sk-" + "your" + made(40)]
)
def test_examples_are_committed_and_not_shown(key: str) -> None:
    assert (holds_secret(key), list(found(key)), scrub(key)) == (True, [], REMOVED)


def test_a_value_is_clean_however_deep() -> None:
    key = made("ghp_", 36)
    before = (Finding(check="c", rule="r", message=f"a {key}"), Finding(check="c", rule="r", message="b"))
    assert clean(before)[0] == Finding(check="c", rule="r", message=f"a {REMOVED}")
    assert clean(before)[1] is before[1]


def test_only_added_lines_are_replaced_and_a_private_key_goes_whole(make_repo: Callable[..., Path]) -> None:
    old, new = made("ghp_", 36), made("glpat-", 20)
    block = f"-----BEGIN RSA PRIVATE KEY-----\n{made(64)}\n{made(64)}\n-----END RSA PRIVATE KEY-----\n"
    repo = make_repo({"a.py": f"OLD = '{old}'\n", "b.py": "x = 1\n"})
    (repo / "a.py").write_text(f"OLD = '{old}'\nNEW = '{new}'\n{block}y = 2\n")
    with open_workspace(repo) as workspace:
        tree, marks = without_secrets(workspace.working_tree(), workspace.tree("HEAD"), workspace)
        text = (workspace.read(tree, "a.py") or b"").decode()
    assert text == f"OLD = '{old}'\nNEW = '{REMOVED}'\n" + f"{REMOVED}\n" * 4 + "y = 2\n"
    message = (
        "Holds what looks like a GitLab token, private key; none is committed. Read it from the environment instead."
    )
    assert [(m.check, m.rule, m.path, m.message) for m in marks] == [("secrets", "secret", "a.py", message)]


def test_no_secret_leaves_a_run(make_repo: Callable[..., Path]) -> None:
    """Not by the commit, its message, the record, what is proposed, what is printed; and the attempt is marked."""
    key, known = made("ghp_", 36), made("glpat-", 20)
    repo = make_repo(
        {
            "a.py": "def one():\n    return 2\n",
            "test_a.py": f"from a import one\n\n\ndef test_one():\n    assert one() == 1, '{known}'\n",
        }
    )
    body = f"KEY = '{key}'\n\n\ndef one():\n    print(KEY)\n    return 1\n"
    with ModelServer([f"Summary: fix: {key}\n\na.py\n```python\n{body}```\n"]) as server:
        model = ("--model", "m", "--api-base", server.api_base, "--attempts", "1")
        words = (*model, "--test-command", QUICK, "--check", "pytest")
        code, said = run_json("generate", f"test_one is red, my token is {key}", *words, "--branch", "b", cwd=repo)
        sent = "".join(message["content"] for chat in server.chats for message in chat["messages"])
    assert (code, said["status"]) == (4, "red")
    assert [f["rule"] for f in said["verdict"]["new"]] == ["secret"]
    assert git("show", "b:a.py", cwd=repo).startswith(f"KEY = '{REMOVED}'")
    everything = [str(said), sent, git("log", "-p", "main..b", cwd=repo)]
    assert [known in text for text in everything] == [False] * 3
    everything += [p.read_text("utf-8") for p in (repo / ".git" / "greenloop").rglob("*") if p.is_file()]
    refs = git("for-each-ref", "--format=%(refname)", "refs/greenloop", cwd=repo).split()
    everything += [git("log", "-p", "--root", "--format=%B", ref, "--not", "main", cwd=repo) for ref in refs]
    assert [key in text for text in everything] == [False] * len(everything)
    code, judged = run_json("evaluate", "--base", "main", "--check", "pytest", "b", cwd=repo)
    assert (code, [f["rule"] for f in judged["verdict"]["new"]]) == (4, ["secret"])
