"""The ready-made rows and the formula beside what others have published; and what is read of a machine."""

from __future__ import annotations

from pathlib import Path

import pytest

from greenloop.model.local.facts import GIB, MIB, Gpu, Machine, known, models
from greenloop.model.local.hardware import here
from greenloop.model.local.sizing import TRANSFORMERS, need, weights

# https://github.com/QwenLM/Qwen3/blob/010c37c/docs/source/benchmark/speed_benchmark.rst: one A100 80 GB, transformers
# 4.46, 2048 tokens generated; GiB with a prompt of 1 token at 16 bits, GPTQ 8 bits, GPTQ 4 bits, and of 30720 tokens at
# 16 bits. (Qwen2.5 and Qwen2.5-Coder have the same shapes.)
QWEN = {
    "0.5B": (0.97, 0.64, 0.48, 2.34),
    "1.5B": (2.95, 1.82, 1.18, 5.62),
    "3B": (5.95, 3.38, 2.06, 9.30),
    "7B": (14.38, 8.42, 5.52, 19.97),
    "14B": (28.08, 16.11, 9.94, 36.85),
    "32B": (61.58, 33.56, 18.94, 74.47),
}
# https://github.com/bigcode-project/starcoder2: 10^6 bytes of `get_memory_footprint()`, at 16, 8 and 4 bits
STARCODER = (32251.33, 16900.18, 9224.60)
# sizes of the files on the hub, in 10^9 bytes, by repository and quantization
FILES = {
    ("unsloth/Qwen2.5-Coder-32B-Instruct-GGUF", "Qwen/Qwen2.5-Coder-32B-Instruct", "Q4_K_M"): 19.9,
    ("unsloth/Qwen2.5-Coder-32B-Instruct-GGUF", "Qwen/Qwen2.5-Coder-32B-Instruct", "Q8_0"): 34.8,
    ("unsloth/Qwen2.5-Coder-3B-Instruct-GGUF", "Qwen/Qwen2.5-Coder-3B-Instruct", "Q4_K_M"): 1.93,
    ("prithivMLmods/Qwen3-Coder-30B-A3B-Instruct-GGUF", "Qwen/Qwen3-Coder-30B-A3B-Instruct", "Q4_K_M"): 18.6,
    ("bartowski/DeepSeek-Coder-V2-Lite-Instruct-GGUF", "deepseek-ai/DeepSeek-Coder-V2-Lite-Instruct", "Q4_K_M"): 10.4,
    ("bartowski/DeepSeek-Coder-V2-Lite-Instruct-GGUF", "deepseek-ai/DeepSeek-Coder-V2-Lite-Instruct", "Q8_0"): 16.7,
    ("Mozilla/Meta-Llama-3-8B-Instruct-llamafile", "meta-llama/Llama-3.1-8B-Instruct", "Q4_K_M"): 4.956,
    ("mistralai/Devstral-Small-2-24B, smeltcore.com", "mistralai/Devstral-Small-2507", "Q4_K_M"): 14.33,
}
WITHIN = 0.10


@pytest.mark.parametrize("name", QWEN)
def test_the_formula_is_within_a_tenth_of_what_qwen_measured(name: str) -> None:
    model = known(f"Qwen/Qwen2.5-Coder-{name}-Instruct")
    assert model is not None
    cases = (("16-bit", 1), ("int8", 1), ("nf4", 1), ("16-bit", 30720))
    for (kind, prompt), published in zip(cases, QWEN[name], strict=True):
        found = need(model, TRANSFORMERS, kind, context=prompt + 2048, prompt=prompt)
        assert (found.weights + found.cache + found.work) / GIB == pytest.approx(published, rel=WITHIN), (kind, prompt)


def test_the_weights_are_within_a_tenth_of_what_is_published() -> None:
    star = known("bigcode/starcoder2-15b-instruct-v0.1")
    assert star is not None
    for kind, published in zip(("16-bit", "int8", "nf4"), STARCODER, strict=True):
        assert weights(star, kind) / 1e6 == pytest.approx(published, rel=WITHIN), kind
    for (repository, name, kind), published in FILES.items():
        model = known(name)
        assert model is not None
        assert weights(model, kind) / 1e9 == pytest.approx(published, rel=WITHIN), (repository, kind)


def test_the_large_one_fits_where_its_publisher_says() -> None:
    """DeepSeek-Coder-V2 in BF16 is served on eight GPUs of 80 GB: its weights alone are more than five have."""
    model = known("deepseek-ai/DeepSeek-Coder-V2-Instruct")
    assert model is not None
    assert 5 * 80e9 < weights(model, "16-bit") < 8 * 80e9


def test_the_rows_agree_with_themselves() -> None:
    """A number that was typed wrongly would not add up to the parameters that the hub counts."""
    for row in (row for row in models() if not row.experts):
        attention = row.hidden * (2 * row.heads + 2 * row.kv_heads) * row.head_dim
        layer = attention + (3 if row.gated else 2) * row.hidden * row.inner
        assert row.layers * layer + row.embeddings == pytest.approx(row.parameters, rel=0.002), row.id


def test_each_family_that_was_asked_for_is_there_with_its_sources() -> None:
    families = ["Qwen2.5-Coder", "Qwen3-Coder", "DeepSeek-Coder-V2", "Devstral", "Llama 3", "StarCoder2"]
    assert list(dict.fromkeys(row.family for row in models())) == families
    assert len({row.id for row in models()}) == len(models())
    for row in models():
        assert row.stop, row.id
        assert row.edit_format in {"whole", "search", "diff", "any"}
        assert all(source.startswith("https://") for source in row.sources), row.id
        assert row.sources, row.id


def test_gpus_are_what_nvidia_smi_says(tmp_path: Path) -> None:
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc/meminfo").write_text("MemTotal: 9 kB\nMemAvailable:  2048 kB\n")
    said = "NVIDIA H200, with a comma, 143771, 143156, 9.0\nGrace, [N/A], [N/A], 9.0\nnonsense\n"
    gpu = Gpu(name="NVIDIA H200, with a comma", total=143771 * MIB, free=143156 * MIB, capability=9.0)
    assert here(root=tmp_path, ask=lambda: said) == Machine(memory=2 * MIB, gpus=(gpu,))


def test_a_cgroup_counts_more_than_the_machine(tmp_path: Path) -> None:
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc/meminfo").write_text("MemAvailable: 1048576 kB\n")
    group = tmp_path / "sys/fs/cgroup"
    group.mkdir(parents=True)
    (group / "memory.current").write_text(f"{100 * MIB}\n")
    (group / "memory.max").write_text("max\n")
    assert here(root=tmp_path, ask=str).memory == GIB
    (group / "memory.max").write_text(f"{600 * MIB}\n")
    assert here(root=tmp_path, ask=str).memory == 500 * MIB
    assert here(root=tmp_path / "nothing", ask=str) == Machine(memory=0)
