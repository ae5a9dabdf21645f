"""The tiny model of tiny.py as one GGUF file, for llama.cpp: the same tensors under its names, nothing quantized.

    python tests/local_model/to_gguf.py FOLDER FILE

Needs what tests/local_model/requirements.txt names.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import gguf
import numpy as np
from safetensors.numpy import load_file

ARCHITECTURE = gguf.MODEL_ARCH.QWEN2


def convert(folder: Path, file: Path) -> None:
    about = json.loads((folder / "config.json").read_text())
    words = json.loads((folder / "tokenizer.json").read_text())
    writer = gguf.GGUFWriter(file, gguf.MODEL_ARCH_NAMES[ARCHITECTURE])
    writer.add_name("tiny")
    writer.add_context_length(about["max_position_embeddings"])
    writer.add_embedding_length(about["hidden_size"])
    writer.add_block_count(about["num_hidden_layers"])
    writer.add_feed_forward_length(about["intermediate_size"])
    writer.add_head_count(about["num_attention_heads"])
    writer.add_head_count_kv(about["num_key_value_heads"])
    rope = about.get("rope_parameters") or {}
    writer.add_rope_freq_base(rope.get("rope_theta", about.get("rope_theta", 10000.0)))
    writer.add_layer_norm_rms_eps(about["rms_norm_eps"])
    writer.add_file_type(gguf.LlamaFileType.ALL_F32)
    _vocabulary(writer, words, (folder / "chat_template.jinja").read_text())
    names = gguf.get_tensor_name_map(ARCHITECTURE, about["num_hidden_layers"])
    for key, values in load_file(folder / "model.safetensors").items():
        name = names.get_name(key, try_suffixes=(".weight", ".bias"))
        if name is None:
            raise SystemExit(f"llama.cpp has no name for {key}")
        writer.add_tensor(name, values.astype(np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _vocabulary(writer: Any, words: dict[str, Any], template: str) -> None:
    """Byte-level BPE with Qwen2's way of splitting, which llama.cpp knows by its name."""
    added = {token["content"]: token["id"] for token in words["added_tokens"]}
    tokens = [token for token, _ in sorted({**words["model"]["vocab"], **added}.items(), key=lambda pair: pair[1])]
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("qwen2")
    writer.add_token_list(tokens)
    writer.add_token_types([gguf.TokenType.CONTROL if t in added else gguf.TokenType.NORMAL for t in tokens])
    writer.add_token_merges([" ".join(m) if isinstance(m, list) else m for m in words["model"]["merges"]])
    writer.add_eos_token_id(added["<|im_end|>"])
    writer.add_bos_token_id(added["<|endoftext|>"])
    writer.add_pad_token_id(added["<|endoftext|>"])
    writer.add_add_bos_token(False)
    writer.add_chat_template(template)


if __name__ == "__main__":
    convert(Path(sys.argv[1]), Path(sys.argv[2]))
