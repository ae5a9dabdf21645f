"""Tests of other languages: what a tree tells of, what runs them here, and what is said where nothing does."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from greenloop.domain import CheckResult, Finding, Status, TestCase
from greenloop.setting_values import CommandCheck
from greenloop.source.machine import Program, found, packages
from greenloop.source.toolchains import Tests, detect, not_checked
from program import run

HERE = Path("/usr/bin")
BARE = "/usr/bin:/bin"  # where our own tests find git, and node where it is a package of the system
NODE = all(isinstance(found(name, {"PATH": BARE}), Program) for name in ("node", "npm"))
QUICK = "PYTEST_DISABLE_PLUGIN_AUTOLOAD=1 python -m pytest"
OPTIONS = "--test-reporter=junit --test-reporter-destination=greenloop-tests.xml"
REPORT = "greenloop-tests.xml"


def look(files: dict[str, str], directory: str = "", **environment: str) -> dict[str, Tests]:
    """With every program at hand."""
    tests = detect(
        files.keys(), lambda path: files[path].encode(), directory, environment, find=lambda _: Program(HERE)
    )
    return {each.name: each for each in tests}


def xml(run: str) -> CommandCheck:
    return CommandCheck(run=run, format="junit", report=REPORT)


def script(text: str, **more: object) -> dict[str, str]:
    return {"package.json": json.dumps({"scripts": {"test": text}} | more)}


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        (
            script("node --test"),
            {"npm": xml(f"NODE_OPTIONS='{OPTIONS}' npm test")},
        ),
        (script("node --test --test-reporter=dot"), {"npm": CommandCheck(run="npm test")}),
        (
            script("vitest"),
            {"npm": xml(f"npm test -- --run --reporter=junit --outputFile={REPORT}")},
        ),
        (
            script("npx jest --ci"),
            {
                "npm": CommandCheck(
                    run="npm test -- --json --outputFile=greenloop-tests.json",
                    format="jest",
                    report="greenloop-tests.json",
                )
            },
        ),
        (
            script("NODE_ENV=test mocha"),
            {"npm": xml(f"npm test -- --reporter xunit --reporter-option output={REPORT}")},
        ),
        (script("tsc && vitest run"), {"npm": CommandCheck(run="npm test")}),
        (script('echo "Error: no test specified" && exit 1'), {}),
        (script(""), {}),
        ({"package.json": "["}, {}),
        ({"package.json": '["scripts"]'}, {}),
        ({"package.json": '{"scripts": {"test": 1}}'}, {}),
        ({"go.mod": "module x\n", "a.go": ""}, {}),
        (
            {"go.mod": "module x\n", "a_test.go": ""},
            {
                "go": CommandCheck(
                    run="GOPROXY=off GOTOOLCHAIN=local GOFLAGS=-buildvcs=false go test -json ./...", format="go"
                )
            },
        ),
        (
            {"Cargo.toml": "[package]\n"},
            {"cargo": CommandCheck(run="cargo test --offline --no-fail-fast", format="cargo")},
        ),
        ({"Cargo.toml": "[profile]\n"}, {}),
        ({"Cargo.toml": "[["}, {}),
        (
            {"build.gradle.kts": ""},
            {
                "gradle": CommandCheck(
                    run="gradle --offline --no-daemon --continue test",
                    format="junit",
                    report="**/build/test-results/test/TEST-*.xml",
                )
            },
        ),
        (
            {
                "a/b/c/go.mod": "",
                "a/b/c/a_test.go": "",
                "node_modules/x/package.json": '{"scripts": {"test": "mocha"}}',
            },
            {},
        ),
    ],
)
def test_what_a_tree_tells_of(files: dict[str, str], expected: dict[str, CommandCheck]) -> None:
    assert {name: tests.check for name, tests in look(files).items()} == expected


def test_several_languages_and_folders_each_get_a_check() -> None:
    files = {
        "pyproject.toml": "",
        "web/package.json": '{"scripts": {"test": "node --test"}}',
        "admin/package.json": '{"scripts": {"test": "node --test"}}',
        "web/inner/package.json": '{"scripts": {"test": "mocha"}}',
        "core/Cargo.toml": "[package]",
        "other/go.mod": "",
    }
    found_here = look(files)
    assert {name: (t.folder, t.because) for name, t in found_here.items()} == {
        "npm-admin": ("admin", "admin/package.json"),
        "npm-web": ("web", "web/package.json"),
        "cargo-core": ("core", "core/Cargo.toml"),
    }
    assert {name: t.folder for name, t in look(files, "web").items()} == {"npm": "web"}
    assert found_here["cargo-core"].told == (
        "Rust tests found (core/Cargo.toml): `cargo test --offline --no-fail-fast`"
    )


@pytest.mark.parametrize(
    ("files", "missing"),
    [
        (
            script("jest", devDependencies={"jest": "30"}),
            "but its dependencies are not in the tree, and GREENLOOP_NODE_MODULES names no folder of them",
        ),
        (
            {"go.mod": "require x v1\n", "a_test.go": ""},
            "but its modules are neither in `vendor` nor in a module cache that can be shown",
        ),
        (
            {"Cargo.toml": "[package]", "Cargo.lock": 'source = "registry+x"'},
            "but its crates are not in the tree (`cargo vendor`, with `.cargo/config.toml`)",
        ),
    ],
)
def test_what_a_run_without_a_network_lacks_is_said(files: dict[str, str], missing: str) -> None:
    [tests] = look(files).values()
    assert (tests.check, tests.missing) == (None, missing)
    result = not_checked(tests, None)
    said = f"{tests.language} tests found ({tests.because}), {missing}: not checked."
    assert result == CheckResult(check=tests.name, status=Status.SKIPPED, reason=said)


def test_packages_that_are_there_are_used(tmp_path: Path) -> None:
    modules = tmp_path / "node_modules"
    modules.mkdir()
    tmp_path.chmod(0o755)
    files = script("jest", dependencies={"a": "1"})
    if packages("node_modules", {"GREENLOOP_NODE_MODULES": str(modules)}):  # not below a folder that is closed
        [tests] = look(files, GREENLOOP_NODE_MODULES=str(modules)).values()
        assert (tests.links, tests.readable) == ({"node_modules": modules}, (modules,))
    assert look({**files, "node_modules/a/index.js": ""})["npm"].check
    assert look({"go.mod": "require x v1\n", "a_test.go": "", "vendor/modules.txt": ""})["go"].check
    vendored = {"Cargo.toml": "[package]", "Cargo.lock": 'source = "registry+x"', ".cargo/config.toml": ""}
    assert look(vendored)["cargo"].check
    assert packages("node_modules", {"GREENLOOP_NODE_MODULES": "node_modules"}) is None


def test_no_home_and_nothing_that_keys_lie_in_is_shown_for_a_program(tmp_path: Path) -> None:
    """`cargo` of rustup is a proxy in `~/.cargo`, where the token of a registry lies as well."""
    for folder in (".cargo/bin", ".rustup/toolchains/stable/bin", "bin", "sdk/go/bin"):
        (tmp_path / folder).mkdir(parents=True)
    for program in (".cargo/bin/rustup", ".rustup/toolchains/stable/bin/cargo", "bin/mine", "sdk/go/bin/go"):
        (tmp_path / program).write_text("")
        (tmp_path / program).chmod(0o755)
    (tmp_path / ".cargo/bin/cargo").symlink_to("rustup")
    (tmp_path / ".cargo/bin/plain").symlink_to("../../.rustup/toolchains/stable/bin/cargo")
    (tmp_path / ".rustup/settings.toml").write_text('default_toolchain = "stable"\n')
    environment = {
        "HOME": str(tmp_path),
        "PATH": ":".join(str(tmp_path / f) for f in (".cargo/bin", "bin", "sdk/go/bin")),
    }
    shown = {name: found(name, environment) for name in ("cargo", "plain", "mine", "go", "none")}
    toolchain, go = tmp_path / ".rustup/toolchains/stable", tmp_path / "sdk/go"
    closed = not isinstance(shown["go"], Program)  # the temporary folder is below a closed one
    if not closed:
        assert shown["cargo"] == Program(toolchain / "bin", (toolchain,))
        assert shown["go"] == Program(go / "bin", (go,))
    assert shown["plain"] == f"but `plain` lies in {tmp_path}/.cargo, which generated code is not shown"
    assert shown["mine"] == f"but `mine` lies in {tmp_path}, which generated code is not shown"
    assert shown["none"] == (
        "but there is no `none` here; use a job or container that has it, or name the tests under `commands`"
    )


def test_on_the_base_they_have_to_run_to_count() -> None:
    tests = look(script("node --test"))["npm"]

    def made(status: Status, *outcomes: str, reason: str = "") -> CheckResult:
        cases = tuple(TestCase(id=str(n), outcome=outcome) for n, outcome in enumerate(outcomes))
        bad = Finding(check="npm", rule="exit", message="exit code 1")
        return CheckResult(check="npm", status=status, tests=cases, findings=(bad,), reason=reason)

    for fine in (made(Status.PASSED), made(Status.FAILED, "passed", "failed"), made(Status.SKIPPED)):
        assert not_checked(tests, fine) is None
    for unfit, why in (
        (made(Status.FAILED), "exit code 1"),
        (made(Status.FAILED, "error"), "exit code 1"),
        (made(Status.BROKEN, reason="It wrote no report."), "It wrote no report."),
    ):
        result = not_checked(tests, unfit)
        assert result is not None
        assert (result.status, result.reason.rpartition("not checked: ")[2]) == (Status.SKIPPED, why)


NODE_TEST = """\
const test = require('node:test');
const assert = require('node:assert');
const { sum } = require('../sum.js');
test('adds', () => { assert.strictEqual(sum(1, 2), 3); });
test('of three', () => { assert.strictEqual(sum(1, 2, 3), 6); });
"""


def test_in_a_run(make_repo: Callable[..., Path]) -> None:
    """Beside Python: what runs here decides, in its own folder; of what does not it is said why."""
    files = {
        "web/package.json": '{"scripts": {"test": "node --test"}}',
        "web/sum.js": "exports.sum = (a, b) => a + b;\n",
        "web/test/sum.test.js": NODE_TEST,
        "go.mod": "module x\n\nrequire example.com/y v1.0.0\n",
        "a_test.go": "package x\n",
        "test_a.py": "def test_a():\n    pass\n",
    }
    repo = make_repo(files)
    (repo / "web/sum.js").write_text("exports.sum = (a, b, c = 0) => a - b + c;\n")
    done = run("evaluate", "--test-command", QUICK, cwd=repo, PATH=BARE)
    told, _, _ = done.stdout.partition("### New")
    assert "- go: Go tests found (go.mod), but " in told
    assert done.returncode == (4 if NODE else 0)
    if NODE:
        assert "npm-web=failed(2/2) go=skipped" in told
        assert "adds passed on the base and fails now: testCodeFailure: Expected values to be strictly" in done.stdout
    else:
        assert "- npm-web: JavaScript tests found (web/package.json), but there is no" in told
