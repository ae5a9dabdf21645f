"""Which files of a repository of weights are fetched and read. Only formats that hold numbers, and text; never a
pickle, which is a program."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

# beside the weights: all that says how the model is built, how text becomes tokens, and how a chat is written
_BESIDE = re.compile(
    r"(config|generation_config|tokenizer|tokenizer_config|special_tokens_map|added_tokens|vocab|params|tekken|"
    r"chat_template|[a-z]+\.safetensors\.index)\.json|merges\.txt|chat_template\.jinja|tokenizer\.model"
)
_INDEX = ".safetensors.index.json"
_WEIGHTS = re.compile(r"[A-Za-z0-9_.-]+\.safetensors")
_MISTRAL = re.compile(r"consolidated[A-Za-z0-9_.-]*\.safetensors")
_GGUF = re.compile(r"[A-Za-z0-9_./-]+\.gguf")
_PROJECTOR = "mmproj"  # the eyes of a model that sees
_PICKLES = (".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle")
_LADDER = ("Q4_K_M", "Q4_K_S", "Q4_0", "Q5_K_M", "Q5_K_S", "Q5_0", "Q6_K", "Q8_0", "F16", "BF16")
PICKLES = (
    "{repository} has its weights as pickles only ({names}), and a pickle can run any program when it is read. "
    "Take a repository with safetensors or GGUF."
)
NOTHING = "{repository} has neither safetensors nor GGUF; it has {names}."


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """A file as the hub lists it; `sha256` is "" for small files, which git's own hash (`blob`) vouches for."""

    name: str
    size: int
    sha256: str = ""
    blob: str = ""


OUTSIDE = "{name} says that a part of the weights lies in {place!r}: it has to be a safetensors file beside it."
ODD = "{name} is no list of the parts of weights."


class NoWeights(Exception):
    """The repository holds nothing that is read here; the message says what it holds."""


def only_gguf(files: Sequence[Listed]) -> bool:
    """Whether llama.cpp is the one that can read it."""
    return bool(_gguf(files)) and not any(_WEIGHTS.fullmatch(f.name) for f in files)


def chosen(
    repository: str, files: Sequence[Listed], *, gguf: bool, quantization: str, mistral: bool = False
) -> tuple[Listed, ...]:
    """The files to fetch, weights first; of GGUF one quantization, the one asked for or the next one on the ladder.
    Raises `NoWeights`."""
    sound = [f for f in files if _sound(f.name)]
    weights = _quantized(_gguf(sound), quantization) if gguf else _tensors(sound, mistral=mistral)
    if not weights:
        names = ", ".join(f.name for f in files[:8]) or "no file"
        pickled = [f.name for f in files if f.name.endswith(_PICKLES)]
        text = PICKLES if pickled else NOTHING
        raise NoWeights(text.format(repository=repository, names=", ".join(pickled[:4]) or names))
    return (*weights, *(f for f in sound if _BESIDE.fullmatch(f.name)))


def require_beside(folder: Path) -> None:
    """An index of safetensors names files, and an engine opens whatever it names. Raises `NoWeights`."""
    for path in folder.glob(f"*{_INDEX}"):
        try:
            said = json.loads(path.read_bytes())
            places = sorted(set(said["weight_map"].values()))
        except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
            raise NoWeights(ODD.format(name=path.name)) from None
        outside = next((place for place in places if not _WEIGHTS.fullmatch(str(place))), None)
        if outside is not None:
            raise NoWeights(OUTSIDE.format(name=path.name, place=str(outside)[:200]))


def _sound(name: str) -> bool:
    """No name that leads elsewhere."""
    path = PurePosixPath(name)
    return name.isprintable() and not path.is_absolute() and ".." not in path.parts and "\\" not in name


def _tensors(files: Sequence[Listed], *, mistral: bool) -> list[Listed]:
    """At the top of the repository; Mistral's own layout and the usual one stand beside each other there."""
    found = [f for f in files if _WEIGHTS.fullmatch(f.name)]
    whole = [f for f in found if _MISTRAL.fullmatch(f.name)]
    usual = [f for f in found if f not in whole]
    return (whole or usual) if mistral else (usual or whole)


def _gguf(files: Sequence[Listed]) -> list[Listed]:
    return [f for f in files if _GGUF.fullmatch(f.name) and _PROJECTOR not in f.name.lower()]


def _quantized(files: Sequence[Listed], wanted: str) -> list[Listed]:
    """All parts of one quantization."""
    for kind in dict.fromkeys((wanted, *_LADDER)):
        word = re.compile(rf"(^|[^a-z0-9]){re.escape(kind.lower())}([^a-z0-9_]|-0000|$)")
        found = sorted((f for f in files if word.search(f.name.lower())), key=lambda f: f.name)
        if found:
            first, mark, of = found[0].name.partition("-00001-of-")
            parts = [f for f in found if f.name.startswith(f"{first}-") and f.name.endswith(f"-of-{of}")]
            return parts if mark else [found[0]]
    return list(files) if len(files) == 1 else []
