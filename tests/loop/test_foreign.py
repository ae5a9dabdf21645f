"""What the model reads of a test whose runner is not pytest: its own lines, and nothing that it cannot use."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from fakes.model_server import ModelServer
from program import run_json

Repo = Callable[..., Path]
RUNNER = """\
import os
import pathlib

wrong = "return 3" not in pathlib.Path("sum.js").read_text()
said = f'''<failure type="Error" message="todo">Error: todo
    at sum (file://{os.getcwd()}/sum.js:2:9)
    at Object.run (file://{os.getcwd()}/sum.spec.js:4:12)
    at Test.run (node:internal/test_runner/test:796:25)</failure>'''
bodies = [f'<testcase name="{name}">{said if wrong else ""}</testcase>' for name in ("of two", "of one")]
pathlib.Path("report.xml").write_text(f"<testsuites>{''.join(bodies)}</testsuites>")
raise SystemExit(wrong)
"""
FILES = {
    "sum.js": "export const sum = (a, b) => {\n  throw new Error('todo');\n};\n",
    "sum.spec.js": "import { sum } from './sum.js';\n\ntest('of two', () => {\n  expect(sum(1, 2)).toBe(3);\n});\n"
    + "\n// the sum of the file sum.js, at length\n" * 20,
    "run.py": RUNNER,
    ".gitignore": "report.xml\n",
    ".github/greenloop.yml": "checks: [sums]  # sum.js\ncommands:\n  sums:\n    run: python3 run.py\n"
    "    report: report.xml\n    format: junit\n",
}
ANSWER = "Summary: add\n\nsum.js\n```js\nexport const sum = (a, b) => {\n  return 3;\n};\n```\n"


def test_the_failing_test_is_shown_and_the_rest_of_its_file_is_not(make_repo: Repo) -> None:
    repo = make_repo(FILES)
    with ModelServer([ANSWER.replace("3", "4"), ANSWER]) as server:
        words = ("generate", "add two numbers", "--model", "m", "--api-base", server.api_base)
        code, said = run_json(*words, cwd=repo)
    prompt = server.chats[0]["messages"][1]["content"]
    # nothing names the tests; they are to be mended because they ended in what the answers change
    assert (code, [a["checks"] for a in said["attempts"]]) == (0, ["sums=failed(2/2)", "sums=passed(2)"]), said
    told = prompt.partition("# What fails now")[2].partition("\n")[2].split("\n")
    assert (
        "\n".join(told[2:-1])
        == """\
Before any change: 2 tests to mend failed, 0 passed.

- of two, of one
```
Error: todo
sum.spec.js:4 in Object.run:
  test('of two', () => {
>   expect(sum(1, 2)).toBe(3);
  });
sum.js:2 in sum: throw new Error('todo');
```"""
    )
    assert "at length" not in prompt
    assert "commands:" not in prompt  # what no attempt may change is not quoted because of its words


COMPILER = """\
import pathlib
import sys

if "struct Graph" in pathlib.Path("src/lib.rs").read_text():
    print("running 1 test\\ntest draws ... ok\\n")
else:
    print("error[E0432]: unresolved import `dsl::Graph`\\n --> tests/dsl.rs:1:5", file=sys.stderr)
    print('error: could not compile `dsl` (test "dsl") due to 1 previous error', file=sys.stderr)
    raise SystemExit(101)
"""
RUST = {
    "src/lib.rs": "// a stub\n",
    "tests/dsl.rs": "use dsl::Graph;\n\n#[test]\nfn draws() {\n    Graph {};\n}\n",
    "run.py": COMPILER,
    ".github/greenloop.yml": "checks: [rust]\ncommands: {rust: {run: python3 run.py, format: cargo}}\n",
}


def test_tests_that_do_not_compile_have_to(make_repo: Repo) -> None:
    """Nothing was tested on the base; an answer that leaves it so is not green."""
    repo = make_repo(RUST)
    answers = [f"Summary: x\n\nsrc/lib.rs\n```rust\n{text}\n```\n" for text in ("// a remark", "pub struct Graph {}")]
    with ModelServer(answers) as server:
        words = ("generate", "src/lib.rs is a stub", "--model", "m", "--api-base", server.api_base)
        code, said = run_json(*words, cwd=repo)
    assert (code, [a["checks"] for a in said["attempts"]]) == (0, ["rust=failed(1/1)", "rust=passed(2)"]), said
    assert said["evidence"] == "proven(cargobuild)"
    assert said["attempts"][0]["green"] is False
    assert "error[E0432]: unresolved import `dsl::Graph`" in server.chats[0]["messages"][1]["content"]
