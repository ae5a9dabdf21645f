"""New dependencies of an attempt: what they are, where they come from, and what is known against them."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from fakes.advisories import Advisories
from fakes.package_index import PASSWORD, Index
from greenloop.domain import Dependency
from greenloop.environment import added, checked, extend, prepare
from greenloop.ports import Sandbox
from greenloop.settings import Settings
from program import run, run_json

Lay = Callable[..., Path]


@pytest.fixture
def found(tmp_path: Path, sandbox: Sandbox, lay: Lay) -> Callable[..., list[tuple[str, str, str, str]]]:
    def look(base: dict[str, str], changed: dict[str, str], **given: str) -> list[tuple[str, str, str, str]]:
        settings, cache = Settings(**given), tmp_path / "cache"  # type: ignore[arg-type]
        old, new = lay("old", base), lay("new", changed)
        before = prepare(old, settings, cache=cache, sandbox=sandbox, progress=lambda _: None)
        now = extend(before, old, new, settings, cache=cache, sandbox=sandbox)
        return [(d.name, d.version, d.source, d.replaces) for d in added(before, now, old, new, "")]

    return look


def test_named_ones_come_first_with_the_version_that_was_installed(
    found: Callable[..., list[tuple[str, str, str, str]]], index: Index
) -> None:
    index.wheel("alpha", "1.0")
    index.wheel("alpha", "2.0")
    index.wheel("zeta", "3.1", requires=("beta",))
    index.wheel("beta", "0.1")
    place = "127.0.0.1"
    assert found({"requirements.txt": "alpha<2\n"}, {"requirements.txt": "alpha>=2\nzeta>=3\n"}) == [
        ("alpha", "2.0", f"requirements.txt, {place}", "1.0"),
        ("zeta", "3.1", f"requirements.txt, {place}", ""),
        ("beta", "0.1", f"needed by another, {place}", ""),
    ]


def test_what_is_not_installed_is_told_as_it_is_asked_for(
    found: Callable[..., list[tuple[str, str, str, str]]], index: Index
) -> None:
    assert index.url
    changed = {"requirements.txt": "zeta[fast]>=3,<4 ; python_version > '3'\nbare\n"}
    assert [row[:2] for row in found({"a.py": ""}, changed, install_command="none")] == [
        ("bare", ""),
        ("zeta", "[fast]>=3,<4"),
    ]


NEW = (
    Dependency(name="alpha", version="1.0", source="s"),
    Dependency(name="beta", version=">=2", source="s"),
    Dependency(name="gamma", version="3", source="s"),
)


def words(service: str) -> list[str]:
    return [d.vulnerabilities for d in checked(NEW, service)]


def test_advisories_are_asked_and_believed_only_when_they_answer() -> None:
    unknown = ["not checked"] * 3
    with Advisories({"alpha==1.0": ("GHSA-1", "PYSEC-2")}) as service:
        assert words(service.address) == ["GHSA-1, PYSEC-2", "not checked", "none known"]
        assert [q["package"] for q in service.asked] == [{"name": n, "ecosystem": "PyPI"} for n in ("alpha", "gamma")]
        assert words(f"{service.address}/nowhere") == unknown
    assert words(service.address) == words("") == words("http://[") == unknown
    for broken in (b"", b"[]", b'{"results": [{}]}', b'{"results": [1, 2]}', b"[" * 100_000):
        with Advisories({}, broken) as service:
            assert words(service.address) == unknown
    with Advisories({"alpha==1.0": tuple(f"GHSA-{n}" for n in range(7))}) as service:
        assert words(service.address)[0] == "GHSA-0, GHSA-1, GHSA-2, GHSA-3, GHSA-4 and 2 more"


def test_evaluate_lists_them(make_repo: Callable[..., Path], index: Index) -> None:
    index.wheel("zeta", "3.1")
    with Advisories({"zeta==3.1": ("GHSA-zeta",)}) as service:
        settings = f"checks: [ruff]\nadvisories: {service.address}\n"
        repo = make_repo({"a.py": "x = 1\n", "requirements.txt": "\n", ".github/greenloop.yml": settings})
        (repo / "requirements.txt").write_text("zeta\n")
        variables = {name: os.environ[name] for name in ("UV_DEFAULT_INDEX", "PIP_INDEX_URL", "PIP_CONFIG_FILE")}
        code, said = run_json("evaluate", cwd=repo, **variables)
        text = run("evaluate", cwd=repo, **variables).stdout
    assert (code, said["dependencies"]) == (
        0,
        [
            {
                "name": "zeta",
                "version": "3.1",
                "source": "requirements.txt, 127.0.0.1",
                "replaces": "",
                "vulnerabilities": "GHSA-zeta",
            }
        ],
    )
    section = "### New dependencies\n\n- `zeta` `3.1` from requirements.txt, 127.0.0.1; vulnerabilities: GHSA-zeta\n"
    assert (section in text, PASSWORD in text + str(said)) == (True, False)


def test_two_versions_of_one_name_are_two() -> None:
    """As a lock for several systems has them: what is known of one is not lost behind the other."""
    both = [Dependency(name="numpy", version=version, source="PyPI") for version in ("2.2.0", "2.4.0")]
    with Advisories({"numpy==2.2.0": ("GHSA-x",)}) as service:
        assert [d.vulnerabilities for d in checked(both, service.address)] == ["GHSA-x", "none known"]
