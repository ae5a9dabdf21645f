"""A real bug that is not mended without looking: pallets/click#2745, through our program, with questions and the REPL.

    python bench/loop/looking.py --click MIRROR [--greenloop PROGRAM] [--record FILE]

The tree is the parent of the commit that mended it, with that commit's tests. The files are too large for the first
prompt (`context_tokens`), which says nothing of how an environment variable is split. The model answers from a recorded
conversation and is honest: each answer is given only when the prompt holds what it is drawn from, else it asks on. What
was asked and shown is printed; the last line says whether the run was green, and how.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import harness

FIX = "3a3e0350b6a2ea3e799440d48e779acabcf44de9"
TESTS = "tests/test_defaults.py"
REQUEST = (
    "An option with nargs=2 whose value comes from default_map as one string is taken letter by letter; it should be "
    f"split in the way in which the value of an environment variable is. See {TESTS}::test_default_map_nargs"
)
# what an answer is drawn from, and the answer; the first whose words all stand in the prompt is given
ANSWERS: tuple[tuple[tuple[str, ...], str], ...] = (
    (
        ("['3', '4']", "source = ParameterSource.DEFAULT_MAP", "self.type.split_envvar_value"),
        """Summary: fix: strings of default_map are split for options of several values

src/click/core.py
```python
<<<<<<< SEARCH
                value = default_map_value
                source = ParameterSource.DEFAULT_MAP

=======
                value = default_map_value
                source = ParameterSource.DEFAULT_MAP

                if isinstance(value, str) and self.nargs != 1:
                    value = self.type.split_envvar_value(value)

>>>>>>> REPLACE
```
""",
    ),
    (
        ("def consume_value", "self.type.split_envvar_value"),
        """Look: run
```python
import sys
sys.path.insert(0, 'src')
import click
print(list(click.INT.split_envvar_value('3 4')))
```
""",
    ),
    (
        ("split_envvar_value",),
        """Look: define Parameter.consume_value
Look: define Parameter.value_from_envvar
Look: history src/click/core.py
""",
    ),
    ((), f"Look: search split_envvar\nLook: list src/click\nLook: test {TESTS}::test_default_map_nargs\n"),
)


class Honest:
    """The recorded model, and what it was asked."""

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []

    def __call__(self, body: dict[str, Any], api: str) -> Any:  # noqa: ANN401, ARG002 - the harness's
        prompt = body["messages"][-1]["content"]
        answer = next(answer for words, answer in ANSWERS if all(word in prompt for word in words))
        self.asked.append({"prompt": prompt, "answer": answer})
        return harness.script.Reply(answer)


def repository(mirror: Path, root: Path, env: dict[str, str]) -> None:
    """The tree before the fix, with the tests of the fix, as one commit."""
    root.mkdir()
    packed = subprocess.run(
        ["/usr/bin/env", "git", "archive", f"{FIX}^", "src", "tests", "pyproject.toml"],
        cwd=mirror,
        capture_output=True,
        check=True,
    )
    subprocess.run(["/usr/bin/env", "tar", "x"], input=packed.stdout, cwd=root, check=True)
    (root / TESTS).write_text(harness.tasks.git("show", f"{FIX}:{TESTS}", cwd=mirror), "utf-8")
    (root / ".github").mkdir()
    (root / ".github" / "greenloop.yml").write_text("context_tokens: 3000\nchecks: [pytest, integrity]\n", "utf-8")
    for words in (("init", "-qb", "main"), ("add", "-A"), ("commit", "-qm", "click")):
        harness.tasks.git(*words, cwd=root, env=env)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--click", type=Path, required=True, help="clone or bare mirror of pallets/click")
    parser.add_argument("--greenloop", default=str(Path(sys.executable).parent / "greenloop"), help="the program")
    parser.add_argument("--python", default=sys.executable, help="an interpreter that has pytest")
    parser.add_argument("--record", type=Path, help="write prompts and answers here, as JSON")
    args = parser.parse_args()
    model = Honest()
    with tempfile.TemporaryDirectory() as folder, harness.server.ModelServer(model) as server:
        env = os.environ | harness.tasks.GIT_ENV | {"GREENLOOP_API_KEY": "sk-scripted"}
        root = Path(folder) / "click"
        repository(args.click.resolve(), root, env)
        tests = f"PYTHONPATH=src {args.python} -m pytest -q {TESTS}"
        words = [args.greenloop, "generate", REQUEST, "--test-command", tests, "--api-base", server.url]
        done = subprocess.run(
            [*words, "--model", "recorded", "--json"], cwd=root, env=env, capture_output=True, text=True, check=False
        )
    if args.record:
        args.record.write_text(json.dumps(model.asked, indent=1), "utf-8")
    for number, turn in enumerate(model.asked, 1):
        print(f"## prompt {number}: {len(turn['prompt'])} characters; answer:\n\n{turn['answer']}")
    try:
        said = json.loads(done.stdout)
    except ValueError:
        raise SystemExit(f"exit code {done.returncode}: {done.stderr}") from None
    print(done.stderr[-1500:]) if done.returncode else None
    print({key: said.get(key) for key in ("status", "evidence", "lookups", "unusable")}, f"exit code {done.returncode}")
    raise SystemExit(done.returncode)


if __name__ == "__main__":
    main()
