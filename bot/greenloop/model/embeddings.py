"""Texts as vectors, by an endpoint that speaks OpenAI's `/embeddings` or Hugging Face's feature extraction.

The rules of the model hold: the same door to the network, the same bounds, and the key of the model goes to the model's
own host and to no other. An endpoint elsewhere must need none.
"""

from __future__ import annotations

import json
import math
from array import array
from collections.abc import Callable, Iterator, Sequence
from time import monotonic
from typing import Any

from greenloop.errors import Refused
from greenloop.model import faults
from greenloop.model.given import local, origin
from greenloop.model.keys import split
from greenloop.model.local.names import is_local
from greenloop.model.own_embeddings import OwnEmbeddings
from greenloop.model.rows import keeps, near, of_vectors
from greenloop.model.stream import Answer, Foreign, words_of
from greenloop.model.wire import SILENCE, Wire, bounded
from greenloop.settings import Settings

BATCH = 32  # texts of one call
_LONGEST = 6000  # characters of one text: what most models read before they cut it themselves
_SECONDS = 120.0
_BODY = 64 * 1024 * 1024
_ELSEWHERE = (
    "`only_endpoint` keeps this repository's code at {only}, and its vectors would be made at {base}. Name an endpoint "
    "that is there (`embedding_base`), leave `embedding_model` out, or change `only_endpoint`."
)
_KEPT_ELSEWHERE = (
    "`only_endpoint` keeps this repository's code at {only}, and its vectors would be kept at {store}. Name a "
    "`vector_store` on that host or on this machine, leave it out, or change `only_endpoint`."
)
_FEATURES = "/pipeline/feature-extraction"  # how Hugging Face's own form is known


def open_embedder(settings: Settings, *, clock: Callable[[], float] = monotonic) -> Embeddings | OwnEmbeddings | None:
    """What the settings name, or None. Raises `Misconfigured`, or `Refused` for a place where the code may not go;
    connects to nothing."""
    if not settings.embedding_model:
        return None
    if settings.vector_store and not keeps(settings.vector_store, settings):
        raise Refused(_KEPT_ELSEWHERE.format(only=settings.only_endpoint, store=settings.vector_store))
    if is_local(settings.embedding_model):
        return OwnEmbeddings(settings.embedding_model)
    base, row = of_vectors(settings)
    if not near(base, settings):
        raise Refused(_ELSEWHERE.format(only=settings.only_endpoint, base=base))
    key = next(iter(split(settings.api_key)), "") if row else ""
    return Embeddings(base, settings.embedding_model, key, clock=clock)


class Embeddings:
    """Implements `ports.Embedder`."""

    def __init__(self, base: str, model: str, key: str, *, clock: Callable[[], float]) -> None:
        self.name = model
        self._features = base.rstrip("/").endswith(_FEATURES)
        self._key = key
        self.local = local(origin(base)[1])  # then nobody is paid for it
        self._clock = clock
        at, _, self._path = base.rstrip("/").rpartition("/") if self._features else (base, "", "embeddings")
        self._wire = Wire(at, lambda: (key,) if key else (), clock=clock, silence=SILENCE)
        self._side = faults.Side(place=base, model=model, variables=(), given=bool(key), kind="an embedding endpoint")

    def embed(self, texts: Sequence[str]) -> Iterator[array[float]]:
        """A vector of length one for each text, in order. Raises `ModelUnreachable`."""
        for start in range(0, len(texts), BATCH):
            yield from self.batch(texts[start : start + BATCH])[0]

    def batch(self, texts: Sequence[str]) -> tuple[list[array[float]], int]:
        """One call: the vectors, and the tokens that the endpoint has counted; 0 when it does not tell."""
        return self._ask([text[:_LONGEST] or " " for text in texts])

    def _ask(self, texts: list[str]) -> tuple[list[array[float]], int]:
        asked: dict[str, object] = {"inputs": texts, "truncate": True} if self._features else {"input": texts}
        if not self._features:
            asked |= {"model": self.name, "encoding_format": "float"}
        headers = {"Authorization": f"Bearer {self._key}"} if self._key else {}
        deadline = self._clock() + _SECONDS
        with self._wire.talk(
            self._path, json.dumps(asked).encode(), headers, side=self._side, deadline=deadline, answer=Answer()
        ) as (response, _):
            body = bounded(response, _BODY)
            if response.status_code >= 400:
                words = self._wire.clean(words_of(body[:65536]))
                raise faults.by_status(self._side, response.status_code, words)
            try:
                said: Any = json.loads(body)
            except (ValueError, RecursionError):
                raise Foreign("it sent no JSON") from None
            return _vectors(said, len(texts)), _counted(said)


def _counted(said: object) -> int:
    usage = said.get("usage") if isinstance(said, dict) else None
    known = usage if isinstance(usage, dict) else {}
    told = known.get("prompt_tokens", known.get("total_tokens"))
    return told if type(told) is int and 0 < told < 10**12 else 0


def _vectors(said: object, number: int) -> list[array[float]]:
    """Raises `Foreign` for what is no list of so many vectors of one length."""
    rows: Any = said
    if isinstance(said, dict):
        rows = said.get("data")
        if isinstance(rows, list) and all(isinstance(row, dict) for row in rows):
            order = [row.get("index", at) for at, row in enumerate(rows)]
            if sorted(map(str, order)) != sorted(map(str, range(number))):
                raise Foreign(f"it sent {len(rows)} vectors for {number} texts, or not each of them once")
            rows = [row.get("embedding") for _, row in sorted(zip(order, rows, strict=True), key=lambda pair: pair[0])]
    if not isinstance(rows, list) or len(rows) != number:
        raise Foreign(f"it sent no list of {number} vectors")
    made = [_unit(row) for row in rows]
    if len({len(vector) for vector in made}) != 1:
        raise Foreign("its vectors differ in length")
    return made


def _unit(row: object) -> array[float]:
    if not isinstance(row, list) or not row or not all(type(value) in {int, float} for value in row):
        raise Foreign("one of its vectors is no list of numbers")
    size = math.sqrt(sum(value * value for value in row))
    if not 0 < size < math.inf:
        raise Foreign("one of its vectors has no direction")
    return array("f", (value / size for value in row))
