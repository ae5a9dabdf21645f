"""A model in our own process that makes vectors: tiny, real weights, made here from nothing."""

from __future__ import annotations

import json
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import pytest

from greenloop.errors import Misconfigured, ModelUnreachable
from greenloop.model.embeddings import open_embedder
from greenloop.settings import Settings
from program import run, run_json

Repo = Callable[..., Path]
there = pytest.mark.skipif(find_spec("transformers") is None, reason="the extra `embeddings` is not installed")
WORDS = [
    "[PAD]",
    "[UNK]",
    "[CLS]",
    "[SEP]",
    "[MASK]",
    "paint",
    "the",
    "wall",
    "sing",
    "a",
    "song",
    "def",
    "(",
    ")",
    ":",
]
FILES = {"paint.py": "def paint(wall):\n    return wall\n", "sing.py": "def sing(song):\n    return song\n"}


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    import torch  # noqa: PLC0415 - an extra, as the next two
    from tokenizers import Tokenizer, models, pre_tokenizers  # noqa: PLC0415
    from transformers import BertConfig, BertModel, PreTrainedTokenizerFast  # noqa: PLC0415

    torch.manual_seed(7)
    folder = tmp_path / "weights"
    folder.mkdir()
    shape = BertConfig(
        vocab_size=len(WORDS), hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16
    )
    BertModel(shape).save_pretrained(folder)
    words = Tokenizer(models.WordLevel({word: n for n, word in enumerate(WORDS)}, unk_token="[UNK]"))
    words.pre_tokenizer = pre_tokenizers.Whitespace()
    PreTrainedTokenizerFast(tokenizer_object=words, pad_token="[PAD]", unk_token="[UNK]").save_pretrained(folder)
    return folder


@there
def test_vectors_of_a_model_in_this_process(weights: Path) -> None:
    made = open_embedder(Settings(embedding_model=f"local/{weights}"))
    assert made is not None
    one, other, again = made.embed(["paint the wall", "sing a song", "paint the wall"])
    assert [round(sum(value * value for value in vector), 5) for vector in (one, other)] == [1.0, 1.0]
    assert (len(one), list(one) != list(other)) == (16, True)
    assert max(abs(a - b) for a, b in zip(one, again, strict=True)) < 1e-5
    (weights / "1_Pooling").mkdir()
    (weights / "1_Pooling" / "config.json").write_text(json.dumps({"pooling_mode_cls_token": True}))
    other_way = open_embedder(Settings(embedding_model=f"local/{weights}"))
    assert other_way is not None
    (first,) = other_way.embed(["paint the wall"])
    assert max(abs(a - b) for a, b in zip(one, first, strict=True)) > 1e-3


@there
def test_code_beside_the_weights_is_not_run(weights: Path, tmp_path: Path) -> None:
    mark = tmp_path / "ran"
    (weights / "modeling_x.py").write_text(f"open({str(mark)!r}, 'w').close()\n")
    about = json.loads((weights / "config.json").read_text())
    about |= {"model_type": "x", "auto_map": {"AutoModel": "modeling_x.X", "AutoConfig": "modeling_x.C"}}
    (weights / "config.json").write_text(json.dumps(about))
    made = open_embedder(Settings(embedding_model=f"local/{weights}"))
    assert made is not None
    with pytest.raises(ModelUnreachable, match="cannot be used"):
        list(made.embed(["paint"]))
    assert not mark.exists()


@there
def test_damaged_weights_are_told(weights: Path) -> None:
    """The search goes on without vectors; it does not end."""
    file, words = weights / "model.safetensors", weights / "tokenizer.json"
    whole, known = file.read_bytes(), words.read_text()
    for data in (whole[:-50], b"", b"\xff" * 200):
        file.write_bytes(data)
        assert "Error while deserializing header" in told(weights)
    file.write_bytes(whole)
    words.write_text(known.replace('"paint": 5', '"paint": 4000').replace('"paint":5', '"paint":4000'))
    assert "index out of range" in told(weights)
    (weights / "config.json").write_text("[]")
    assert "must be a mapping" in told(weights)


def told(weights: Path) -> str:
    made = open_embedder(Settings(embedding_model=f"local/{weights}"))
    assert made is not None
    with pytest.raises(ModelUnreachable, match="cannot be used: ") as error:
        list(made.embed(["paint the wall"]))
    return str(error.value)


@there
def test_the_command_searches_with_it(make_repo: Repo, weights: Path) -> None:
    repo = make_repo({**FILES, ".github/greenloop.yml": f"embedding_model: local/{weights}\n"})
    code, said = run_json("index", "--query", "wall wall", cwd=repo, GREENLOOP_LOCAL_MODELS="*")
    assert (code, {quoted["path"] for quoted in said["quoted"]} >= {"paint.py"}) == (0, True)


def test_what_is_missing_is_told(make_repo: Repo) -> None:
    with pytest.raises(Misconfigured, match="cannot be served"):
        open_embedder(Settings(embedding_model="local/x"))
    if find_spec("transformers") is None:
        repo = make_repo({**FILES, ".github/greenloop.yml": "embedding_model: local/./weights\n"})
        done = run("index", cwd=repo, GREENLOOP_LOCAL_MODELS="local/./weights")
        assert (done.returncode, "pip install 'greenloop[embeddings]'" in done.stderr) == (2, True)
