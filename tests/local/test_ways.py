"""Which way of having a model serves whom, as `greenloop doctor` says it; recipes, as far as they can be checked."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

import program
from greenloop.model.local.facts import Machine, machines
from greenloop.model.local.ways import ACTION, JOB, NOTHING, ways

COMPOSE = Path(__file__).parents[2] / "docs" / "compose.yaml"
NO_GPU = Machine(memory=0)


@pytest.mark.parametrize(
    ("machine", "engines", "environment", "expected"),
    [
        (machines()["h200"], ("vllm",), {"GITHUB_WORKSPACE": "/github/workspace"}, [ACTION]),
        (NO_GPU, (), {"GITHUB_WORKSPACE": "/home/runner/work/a/a", "GITHUB_ACTIONS": "true"}, [JOB, NOTHING]),
        (NO_GPU, (), {}, [NOTHING]),
        (
            machines()["h200"],
            ("vllm", "llama_cpp"),
            {"GITHUB_ACTIONS": "true"},
            [
                (
                    "`model: local/…` is served here by vLLM or llama.cpp, with NVIDIA H200 (139.8 GiB free); "
                    "`greenloop models plan MODEL` says how."
                )
            ],
        ),
    ],
)
def test_each_place_is_told_its_way(
    machine: Machine, engines: tuple[str, ...], environment: dict[str, str], expected: list[str]
) -> None:
    assert list(ways(machine, engines, environment)) == expected


def test_the_workstation_is_well_formed_and_closed() -> None:
    schema = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", str(COMPOSE)]
    done = subprocess.run(schema, capture_output=True, text=True, check=False, env=program.environment())
    assert done.returncode == 0, done.stdout
    services = yaml.safe_load(COMPOSE.read_text())["services"]
    model, greenloop = services["model"], services["greenloop"]
    assert "ports" not in model  # nobody outside of the two containers asks it
    assert greenloop["environment"]["GREENLOOP_ENDPOINTS"] == "http://model:8000"
    assert "--model coder --api-base http://model:8000/v1" in COMPOSE.read_text()
    assert model["command"][model["command"].index("--served-model-name") + 1] == "coder"
    assert greenloop["depends_on"] == {"model": {"condition": "service_healthy"}}
    assert not any("docker.sock" in volume for service in services.values() for volume in service["volumes"])
    assert model["command"][model["command"].index("--max-model-len") + 1] == "32192"  # what the settings ask for
