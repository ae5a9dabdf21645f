"""Vectors of chunks and the nearest of them: in the index itself by exact search, or in a Qdrant server.

A repository has some ten thousand chunks; all of them are compared in less time than the question takes to be embedded,
and nothing approximate is lost, built or tuned.
"""

from __future__ import annotations

import math
import operator
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol
from uuid import UUID

from greenloop.errors import Misconfigured, ModelUnreachable
from greenloop.retrieval.store import Store

if TYPE_CHECKING:
    from qdrant_client import QdrantClient

_MISSING = "`vector_store` names a Qdrant server, and its client is not installed: pip install 'greenloop[qdrant]'."
_UNREACHED = "the vector store at {address}: {why}."
_PAGE = 256  # points of one exchange with the server


class Vectors(Protocol):
    """Vectors of length one, by the hash of what they were made of (64 hexadecimal digits)."""

    def known(self, ids: Sequence[str]) -> set[str]: ...

    def add(self, vectors: Mapping[str, array[float]]) -> None: ...

    def nearest(self, vector: array[float], ids: Sequence[str], top: int) -> list[tuple[str, float]]:
        """The most alike of `ids`, best first, with the cosine."""
        ...


class Embedded:
    """In the index's own file."""

    def __init__(self, store: Store, model: str) -> None:
        self._store = store
        self._model = model

    def known(self, ids: Sequence[str]) -> set[str]:
        return self._store.vector_ids(self._model) & set(ids)

    def add(self, vectors: Mapping[str, array[float]]) -> None:
        self._store.add_vectors(self._model, {id_: vector.tobytes() for id_, vector in vectors.items()})

    def nearest(self, vector: array[float], ids: Sequence[str], top: int) -> list[tuple[str, float]]:
        wanted, found = set(ids), []
        for id_, data in self._store.vectors(self._model):
            if id_ in wanted:
                other = array("f")
                other.frombytes(data)
                if len(other) == len(vector):
                    found.append((id_, _dot(vector, other)))
        return sorted(found, key=lambda pair: (-pair[1], pair[0]))[:top]


def _dot(one: array[float], other: array[float]) -> float:
    return math.fsum(map(operator.mul, one, other))


class Qdrant:
    """One collection for each embedding model, for all repositories of an organisation: equal code has one vector.
    Raises `ModelUnreachable` where the server cannot be had, or says what it should not."""

    def __init__(self, client: QdrantClient, model: str, address: str = "") -> None:
        self._client = client
        self._address = address
        self._name = "greenloop-" + "".join(c if c.isalnum() else "-" for c in model)[:80]

    def known(self, ids: Sequence[str]) -> set[str]:
        found = set()
        with self._asked():
            for page in _pages(ids) if self._client.collection_exists(self._name) else ():
                points = self._client.retrieve(self._name, [_point(id_) for id_ in page], with_payload=False)
                there = {str(point.id) for point in points}
                found |= {id_ for id_ in page if _point(id_) in there}
        return found

    def add(self, vectors: Mapping[str, array[float]]) -> None:
        from qdrant_client import models  # noqa: PLC0415 - an extra, and half a second

        if not vectors:
            return
        size = len(next(iter(vectors.values())))
        with self._asked():
            if not self._client.collection_exists(self._name):
                shape = models.VectorParams(size=size, distance=models.Distance.COSINE)
                self._client.create_collection(self._name, vectors_config=shape)
            for page in _pages(list(vectors)):
                points = [models.PointStruct(id=_point(id_), vector=vectors[id_].tolist()) for id_ in page]
                self._client.upsert(self._name, points, wait=True)

    def nearest(self, vector: array[float], ids: Sequence[str], top: int) -> list[tuple[str, float]]:
        from qdrant_client import models  # noqa: PLC0415 - as above

        of = {_point(id_): id_ for id_ in ids}
        only = models.Filter(must=[models.HasIdCondition(has_id=list(of))])
        with self._asked():
            if not ids or not self._client.collection_exists(self._name):
                return []
            said = self._client.query_points(
                self._name, query=vector.tolist(), query_filter=only, limit=top, with_payload=False
            )
        found = [(of[str(point.id)], float(point.score)) for point in said.points if str(point.id) in of]
        return sorted(found, key=lambda pair: (-pair[1], pair[0]))

    @contextmanager
    def _asked(self) -> Iterator[None]:
        from qdrant_client.http.exceptions import ApiException, UnexpectedResponse  # noqa: PLC0415 - as above

        try:
            yield
        except ApiException as error:
            # what a server writes is a stranger's: its number is enough
            said = f"it says {error.status_code}" if isinstance(error, UnexpectedResponse) else "it cannot be reached"
            raise ModelUnreachable(_UNREACHED.format(address=self._address, why=said)) from None


def open_qdrant(address: str, model: str) -> Qdrant:
    """The server at `address`. Raises `Misconfigured` without its client."""
    try:
        from qdrant_client import QdrantClient  # noqa: PLC0415 - an extra, and half a second
    except ImportError:
        raise Misconfigured(_MISSING) from None
    return Qdrant(QdrantClient(url=address, timeout=30, check_compatibility=False), model, address)


def _point(id_: str) -> str:
    """Qdrant takes numbers and UUIDs: 128 of the hash's bits."""
    return str(UUID(id_[:32]))


def _pages(ids: Sequence[str]) -> Iterable[Sequence[str]]:
    return (ids[start : start + _PAGE] for start in range(0, len(ids), _PAGE))
