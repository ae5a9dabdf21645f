"""Scripted engines in place of vLLM, transformers and llama.cpp, as interpreters that GREENLOOP_LOCAL_PYTHON names."""

from __future__ import annotations

import json
import os
import select
import struct
import sys
from pathlib import Path
from typing import Any

ENGINES = Path(__file__).parent / "engines"


class Engines:
    """In a folder of its own. `starts` and `answers` as in `engines/llama_cpp/server/__main__.py`."""

    def __init__(
        self, folder: Path, *, starts: tuple[str, ...] = ("well",), answers: tuple[Any, ...] = ("Hi.",)
    ) -> None:
        self.folder = folder
        folder.mkdir(parents=True)
        (folder / "script.json").write_text(json.dumps({"starts": starts, "answers": answers}))
        program = folder / "python"  # alone: where its scripts are is not for us to know
        program.write_text(f'#!/bin/sh\nFAKE_ENGINE="{folder}" PYTHONPATH="{ENGINES}" exec "{sys.executable}" "$@"\n')
        program.chmod(0o755)

    @property
    def environment(self) -> dict[str, str]:
        return {"GREENLOOP_LOCAL_PYTHON": str(self.folder / "python")}

    def lines(self, name: str) -> list[dict[str, Any]]:
        path = self.folder / f"{name}.jsonl"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    @property
    def processes(self) -> list[int]:
        return [line["pid"] for name in ("starts", "workers") for line in self.lines(name)]


def gone(process: int, seconds: float = 20.0) -> bool:
    """Whether a process has ended, waiting for it if need be."""
    try:
        handle = os.pidfd_open(process)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([handle], [], [], seconds)[0])
    finally:
        os.close(handle)


def gguf(path: Path, *, template: str = "{{ messages }}", **numbers: int) -> Path:
    """The head of a GGUF file, as llama.cpp writes one, and nothing behind it."""

    def text(words: str) -> bytes:
        return struct.pack("<Q", len(words.encode())) + words.encode()

    own = {"block_count": 2, "embedding_length": 64, "attention.head_count": 4, "context_length": 65536} | numbers
    entries = [text("general.architecture") + struct.pack("<I", 8) + text("qwen2")]
    entries += [text(f"qwen2.{key}") + struct.pack("<II", 4, value) for key, value in own.items()]
    entries.append(text("tokenizer.ggml.tokens") + struct.pack("<IIQ", 9, 8, 2) + text("a") + text("b"))
    if template:
        entries.append(text("tokenizer.chat_template") + struct.pack("<I", 8) + text(template))
    path.write_bytes(struct.pack("<4sIQQ", b"GGUF", 3, 0, len(entries)) + b"".join(entries))
    return path
