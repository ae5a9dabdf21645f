"""Which way of having a model serves whom, as `greenloop doctor` says it; recipes, as far as they can be checked."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

import program
from greenloop.model.local.facts import GIB, Machine, known, machines, models
from greenloop.model.local.sizing import VLLM, need
from greenloop.model.local.ways import ACTION, JOB, NOTHING, ways

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
COMPOSE = DOCS / "compose.yaml"
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
    assert model["command"][0] == "${MODEL:-Qwen/Qwen2.5-Coder-7B-Instruct}"  # the image's program is `vllm serve`
    assert "--model coder --api-base http://model:8000/v1" in COMPOSE.read_text()
    assert model["command"][model["command"].index("--served-model-name") + 1] == "coder"
    assert greenloop["depends_on"] == {"model": {"condition": "service_healthy"}}
    assert not any("docker.sock" in volume for service in services.values() for volume in service["volumes"])
    assert model["command"][model["command"].index("--max-model-len") + 1] == "32192"  # what the settings ask for


def test_the_recipes_name_one_vllm_and_models_that_there_are() -> None:
    texts = [path.read_text() for path in (ROOT / "Dockerfile", *DOCS.glob("*.*"), *(DOCS / "workflows").glob("*.yml"))]
    assert len({image for text in texts for image in re.findall(r"vllm/vllm-openai[:@]\S+", text)}) == 1
    rows = {row.id for row in models()}
    named = {name.removesuffix("-AWQ") for text in texts for name in re.findall(r"Qwen/Qwen[\w.-]+-Instruct\b", text)}
    assert named - rows == set()


def test_the_service_fits_the_gpu_that_the_page_says() -> None:
    """4.5 bits of bitsandbytes are more than the 4.25 of AWQ; vLLM takes nine tenths of a GPU by itself."""
    job = yaml.safe_load((DOCS / "workflows/gpu.yml").read_text())["jobs"]["greenloop"]
    name, _, length = job["services"]["model"]["command"].split()
    assert job["steps"][-1]["with"]["model"] == name
    [gpu] = machines()["a10g"].gpus
    found = [known(f"Qwen/Qwen2.5-Coder-{size}-Instruct") for size in ("14B", "32B")]
    takes = [need(row, VLLM, "nf4", context=int(length)).all for row in found if row]
    assert name == "Qwen/Qwen2.5-Coder-14B-Instruct-AWQ"
    assert takes[0] < 0.9 * gpu.total < takes[1] < 0.9 * 40 * GIB


def test_the_first_screen_says_what_to_copy() -> None:
    """And each of the files is named there by its own address."""
    head = (DOCS / "local-models.md").read_text().partition("## What fits")[0]
    copied = set(re.findall(r"\((workflows/[\w-]+\.yml|compose\.yaml|scaling\.md)\)", head))
    mine = {"workflows/gpu.yml", "workflows/gpu-job.yml", "workflows/ollama.yml", "workflows/hosted.yml"}
    assert copied == mine | {"compose.yaml", "scaling.md"}
    assert "None of this has run on a GPU" in head


def test_the_cluster_is_well_formed() -> None:
    """Each replica is asked only when it answers, has a GPU, shares the weights, and is reached by one name."""
    blocks = re.findall(r"```yaml\n(.*?)```", (DOCS / "scaling.md").read_text(), re.DOTALL)
    runners, *rest = [part for block in blocks for part in yaml.safe_load_all(block)]
    deployment, service = rest
    [server] = deployment["spec"]["template"]["spec"]["containers"]
    assert server["resources"]["limits"] == {"nvidia.com/gpu": 1}
    assert server["readinessProbe"]["httpGet"] == server["startupProbe"]["httpGet"] == {"path": "/health", "port": 8000}
    assert {mount["name"] for mount in server["volumeMounts"]} == {
        volume["name"] for volume in deployment["spec"]["template"]["spec"]["volumes"]
    }
    labels = deployment["spec"]["template"]["metadata"]["labels"]
    assert service["spec"]["selector"] == deployment["spec"]["selector"]["matchLabels"] == labels
    assert server["args"][server["args"].index("--max-model-len") + 1] == "32192"
    assert "nvidia.com/gpu" not in str(runners)
    large = known(server["args"][0].removesuffix("-AWQ"))
    assert large is not None
    assert need(large, VLLM, "nf4", context=32192).all < 0.9 * 40 * GIB  # as the page says
