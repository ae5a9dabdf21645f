"""Findings as SARIF: what our own reader of it reads back."""

from __future__ import annotations

import json
from pathlib import Path

from greenloop.checks.sarif import read
from greenloop.domain import Finding, Severity
from greenloop.report import sarif

FOUND = (
    Finding(check="ruff", rule="F401", message="`os` imported but unused", path="a b.py", line=2),
    Finding(check="bandit", rule="B602", message="", path="a b.py", severity=Severity.WARNING),
    Finding(check="integrity", rule="note", message="without a place"),
    Finding(check="ruff", rule="F401", message="`re` imported but unused", path="a b.py", line=1),
)


def test_findings_as_sarif(tmp_path: Path) -> None:
    (tmp_path / "a b.py").write_text("import re\nimport os\n")
    text = sarif.dumps(FOUND)
    run = json.loads(text)["runs"][0]
    assert run["tool"]["driver"]["rules"] == [{"id": "ruff/F401"}, {"id": "bandit/B602"}]
    assert [(r["ruleIndex"], r["level"], r["partialFingerprints"]["greenloop/v1"]) for r in run["results"]] == [
        (0, "error", FOUND[0].fingerprint),
        (1, "warning", FOUND[1].fingerprint),
        (0, "error", FOUND[3].fingerprint),
    ]
    _, back = read(text.encode(), check="x", folder=tmp_path, directory="")
    assert [(f.rule, f.message, f.path, f.line, f.severity) for f in back] == [
        ("ruff/F401", "`os` imported but unused", "a b.py", 2, Severity.ERROR),
        ("bandit/B602", "B602", "a b.py", 1, Severity.WARNING),
        ("ruff/F401", "`re` imported but unused", "a b.py", 1, Severity.ERROR),
    ]
