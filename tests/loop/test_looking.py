"""A bug that cannot be mended from the first prompt: the model looks first, as a program and over HTTP.

A date field reads its options from whatever it was bound to, and inside of a list that is the list; what leads to the
schema is defined in a file that nobody quotes.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from conftest import git
from fakes.model_server import ModelServer, Stall
from program import QUICK, run_json, start

BASE = '''"""What all fields share."""


class Missing:
    """A value that was not given."""


class Field:
    """One attribute of an object."""

    parent = None

    def bind(self, name, parent):
        self.name, self.parent = name, parent

    @property
    def root(self):
        """The outermost one, whatever lies between."""
        above = self.parent
        while getattr(above, "parent", None) is not None:
            above = above.parent
        return above
'''
FIELDS = '''"""Fields."""

from shapes.base import Field


class DateTime(Field):
    def bind(self, name, parent):
        super().bind(name, parent)
        self.format = parent.opts.dateformat

    def dump(self, value):
        return value.strftime(self.format)


class List(Field):
    def __init__(self, inner):
        self.inner = inner

    def bind(self, name, parent):
        super().bind(name, parent)
        self.inner.bind(name, self)

    def dump(self, value):
        return [self.inner.dump(one) for one in value]
'''
SCHEMA = '''"""A schema binds its fields."""


class Opts:
    dateformat = "%Y-%m-%d"


class Schema:
    opts = Opts()

    def __init__(self, **fields):
        self.fields = fields
        for name, field in fields.items():
            field.bind(name, self)

    def dump(self, values):
        return {name: field.dump(values[name]) for name, field in self.fields.items()}
'''
TESTS = """from datetime import datetime

from shapes.fields import DateTime, List
from shapes.schema import Schema

DAY = datetime(2019, 9, 4)


def test_one():
    assert Schema(day=DateTime()).dump({"day": DAY}) == {"day": "2019-09-04"}


def test_several():
    assert Schema(days=List(DateTime())).dump({"days": [DAY]}) == {"days": ["2019-09-04"]}
"""
SECRET = "Ada Lovelace, 12 St James's Square"
FILES = {
    "shapes/__init__.py": "",
    "shapes/base.py": BASE,
    "shapes/fields.py": FIELDS,
    "shapes/schema.py": SCHEMA,
    "tests/test_dates.py": TESTS,
    "customers/list.csv": SECRET + "\n",
    "docs/changes.md": "".join(f"- {n}: dates, lists and options were changed.\n" for n in range(400)),
    ".github/greenloop.yml": "context_tokens: 1500\nnever_send: ['customers/**']\n",
}
REQUEST = "A DateTime inside of a List raises AttributeError, see shapes/fields.py"
FIRST = """What leads from a field to the schema?

Look: define Field.root
Look: uses opts
Look: history shapes/fields.py
Look: read customers/list.csv
Look: list shapes
Look: test tests/test_dates.py::test_several
"""
SECOND = """Look: define Field.root
Look: run
```python
from pathlib import Path
from shapes.base import Field
print(isinstance(Field.root, property), sorted(p.name for p in Path("customers").iterdir()))
1 / 0
```
"""
MEND = """Summary: fix: dates read their format from the schema

shapes/fields.py
```python
<<<<<<< SEARCH
        self.format = parent.opts.dateformat
=======
        self.format = self.root.opts.dateformat
>>>>>>> REPLACE
```
"""

Repo = Callable[..., Path]


def words(server: ModelServer) -> tuple[str, ...]:
    model = ("--model", "m", "--api-base", server.api_base, "--test-command", QUICK)
    return ("generate", REQUEST, *model, "--check", "pytest", "--branch", "mend")


def prompts(server: ModelServer) -> list[tuple[str, str]]:
    return [tuple(m["content"] for m in chat["messages"]) for chat in server.chats]


def recorded(repo: Path, key: str) -> list[dict[str, Any]]:
    text = git("show", f"refs/greenloop/runs/{key}:recording.jsonl", cwd=repo)
    return [json.loads(line) for line in text.splitlines()]


def test_the_model_looks_and_then_mends(make_repo: Repo) -> None:
    repo = make_repo(FILES)
    with ModelServer([FIRST, SECOND, Stall("Summ"), MEND]) as server:
        with start(*words(server), cwd=repo) as process:
            server.wait_for(3)
            process.kill()
            process.communicate(timeout=60)
        code, said = run_json(*words(server), cwd=repo)
    assert (code, said["status"], said["lookups"], said["unusable"]) == (0, "green", 2, 0)
    assert (said["evidence"], [a["usage"]["calls"] for a in said["attempts"]]) == ("proven(test_several)", [3])
    assert git("rev-list", "--count", "main..mend", cwd=repo) == "1"
    (system, first), (_, second), (_, third), (_, resumed) = prompts(server)
    assert "Look: define Session.send" in system
    assert {s for s, _ in prompts(server)} == {system}
    assert [w in first for w in ("self.format = parent.opts", "def root", "What you asked")] == [True, False, False]
    seen = second.split("# What you asked")[1].split("# What fails now")[0]
    shown = (
        "    def root(self):\n",
        "shapes/fields.py:9: self.format = parent.opts.dateformat",
        "+        self.format = parent.opts.dateformat",
        "customers/list.csv is kept from you.",
        "schema.py (",
        "tests/test_dates.py::test_several failed.",
        "'List' object has no attribute 'opts'",
        "You may ask 5 times more.",
    )
    assert [part for part in shown if part not in seen] == []
    again = third.split("# What you asked")[1]
    assert [
        part
        for part in ("Asked again, and nothing is different: define Field.root. Go on", "True []\n")
        if part not in again
    ] == []
    assert "ZeroDivisionError" in again
    assert again.count("def root(self)") == 1
    assert resumed == third
    assert SECRET not in str(prompts(server))
    assert "m`: 3 calls, 2 of questions, " in Path(said["url"]).read_text("utf-8")
    kinds = [entry["kind"] for entry in recorded(repo, said["run"])]
    assert kinds == ["run", "reply", "look", "reply", "look", "reply", "judged", "end"]
    code, played = run_json("replay", said["run"], cwd=repo)
    assert (code, [a["tree"] for a in played["attempts"]]) == (0, [a["tree"] for a in said["attempts"]])


def test_who_only_asks_comes_to_an_end(make_repo: Repo) -> None:
    repo = make_repo(FILES)
    with ModelServer(lambda _: "Look: read shapes/base.py") as server:
        (repo / ".github/greenloop.yml").write_text("context_tokens: 1500\nlookups: 2\n", "utf-8")
        git("commit", "-qam", "two", cwd=repo)
        code, said = run_json(*words(server), cwd=repo)
    assert (code, said["reason"], said["lookups"], said["unusable"], len(server.chats)) == (4, "unchanged", 2, 2, 4)
    last = prompts(server)[-1][1]
    assert "You cannot ask again: answer with the edits." in last
    assert "No question is left in this run" in last
    assert last.count("def root(self)") == 1


def test_who_sees_everything_is_not_told_how_to_ask(make_repo: Repo) -> None:
    repo = make_repo({path: text for path, text in FILES.items() if path.startswith(("shapes", "tests"))})
    with ModelServer(
        ["Look: test tests/test_dates.py::test_one\n\nLook: run\n```python\nimport shapes\n```\n", MEND]
    ) as server:
        code, said = run_json(*words(server), cwd=repo)
    assert (code, said["lookups"]) == (0, 1)
    assert "Look:" not in prompts(server)[0][0]
    assert "tests/test_dates.py::test_one passed." in prompts(server)[1][1]
    assert "It ran and printed nothing." in prompts(server)[1][1]
