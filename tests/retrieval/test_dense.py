"""Vectors: one contract for every store, and an endpoint that is asked for little and told no secret."""

from __future__ import annotations

import os
from array import array
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest

from fakes.embedding_server import EmbeddingServer
from greenloop.engine.context import Source
from greenloop.engine.search import retriever
from greenloop.errors import Misconfigured, ModelUnreachable, Refused
from greenloop.model.embeddings import open_embedder
from greenloop.retrieval.store import Store
from greenloop.retrieval.vectors import Embedded, Qdrant, Vectors, open_qdrant
from greenloop.setting_values import ProviderRow
from greenloop.settings import Settings
from greenloop.workspace import open_workspace
from program import run, run_json

Repo = Callable[..., Path]
FILES = {
    "deliver.py": "def deliver(thing, times):\n    return backoff(thing, times)\n",
    "paint.py": "def paint(thing):\n    return thing\n",
    "letters.py": "def letters(thing):\n    return thing\n",
    "tests/test_paint.py": "def test_paint():\n    assert paint(1)\n",
    "customers.py": "NAMES = ['backoff']\n",
}
HIDDEN = ("customers.py",)


def ids(number: int) -> list[str]:
    return [sha256(str(n).encode()).hexdigest() for n in range(number)]


@pytest.fixture(params=["embedded", "local", "server"])
def vectors(request: pytest.FixtureRequest) -> Vectors:
    if request.param == "embedded":
        return Embedded(Store(None), "m")
    client = pytest.importorskip("qdrant_client", reason="the extra `qdrant` is not installed")
    if request.param == "local":
        return Qdrant(client.QdrantClient(":memory:"), "m")
    address = os.environ.get("GREENLOOP_QDRANT_URL")
    if not address:
        pytest.skip("GREENLOOP_QDRANT_URL names no server")
    return open_qdrant(address, f"test {os.getpid()}")


def test_a_store_keeps_vectors_and_finds_the_nearest(vectors: Vectors) -> None:
    a, b, c, d = ids(4)
    assert (vectors.known([a, b]), vectors.nearest(array("f", [1, 0]), [a], 3)) == (set(), [])
    vectors.add({})
    vectors.add({a: array("f", [1, 0]), b: array("f", [0, 1]), c: array("f", [0.6, 0.8])})
    vectors.add({a: array("f", [1, 0])})
    assert vectors.known([a, b, c, d]) == {a, b, c}
    near = vectors.nearest(array("f", [1, 0]), [a, b, c, d], 2)
    assert [(id_, round(value, 4)) for id_, value in near] == [(a, 1.0), (c, 0.6)]
    assert [id_ for id_, _ in vectors.nearest(array("f", [1, 0]), [b], 5)] == [b]


@pytest.mark.parametrize(("there", "why"), [(False, "it cannot be reached"), (True, "it says 501")])
def test_a_vector_store_that_is_away_costs_the_vectors_alone(
    make_repo: Repo, tmp_path: Path, there: bool, why: str
) -> None:
    pytest.importorskip("qdrant_client", reason="the extra `qdrant` is not installed")
    with EmbeddingServer() as server:  # which is no Qdrant
        address = server.base.removesuffix("/v1") if there else "http://127.0.0.1:9"
        settings = Settings(embedding_model="m", embedding_base=server.base, vector_store=address)
        found, said = searched(make_repo(FILES), tmp_path, settings, "paint a thing")
    assert (found[0], said) == ("paint.py", [f"Searched by words alone: the vector store at {address}: {why}."])


def test_lines_are_counted_as_where_they_were_cut(make_repo: Repo, tmp_path: Path) -> None:
    text = "def one():\n    return 1\n\f\ndef two():\n    return 2\n"
    with EmbeddingServer() as server:
        settings = Settings(embedding_model="m", embedding_base=server.base)
        searched(make_repo({"a.py": text}), tmp_path, settings, "one")
        assert set(server.texts) == {
            "one",
            "a.py one\ndef one():\n    return 1\n",
            "a.py two\ndef two():\n    return 2\n",
        }


def test_vectors_outlive_the_run_and_models_are_apart(tmp_path: Path) -> None:
    (one,) = ids(1)
    with Store(tmp_path / "i.sqlite", "own") as store:
        Embedded(store, "m").add({one: array("f", [1, 0])})
    with Store(tmp_path / "i.sqlite", "own") as store:
        assert (Embedded(store, "m").known([one]), Embedded(store, "n").known([one])) == ({one}, set())


def searched(repo: Path, cache: Path, settings: Settings, query: str) -> tuple[list[str], list[str]]:
    said: list[str] = []
    with open_workspace(repo) as workspace:
        source = Source(workspace, workspace.tree("HEAD"), settings)
        with retriever(source, None, cache=cache, repository="r", trusted=True, say=said.append) as made:
            return [s.path for s in made.find(query, 1000).snippets], said


def settings_for(server: EmbeddingServer) -> Settings:
    return Settings(embedding_model="m", embedding_base=server.base, never_send=HIDDEN)


def test_a_request_in_other_words_finds_the_code(make_repo: Repo, tmp_path: Path) -> None:
    repo, query = make_repo(FILES), "please do it again and again"
    with EmbeddingServer() as server:
        found, said = searched(repo, tmp_path, settings_for(server), query)
        assert (found[0], said) == ("deliver.py", [])
        assert sorted(server.texts) == sorted(
            [
                query,
                *(
                    f"{p} {n}\n{FILES[p]}"
                    for p, n in (("deliver.py", "deliver"), ("paint.py", "paint"), ("letters.py", "letters"))
                ),
            ]
        )
        server.asked.clear()
        assert searched(repo, tmp_path, settings_for(server), query) == (found, [])
        assert server.texts == [query]
        assert not any("NAMES" in text for text in server.texts)


def test_without_its_endpoint_the_words_decide_and_that_is_said(make_repo: Repo, tmp_path: Path) -> None:
    with EmbeddingServer(lambda _body: (500, {"error": {"message": "out of memory"}})) as server:
        found, said = searched(make_repo(FILES), tmp_path, settings_for(server), "paint a thing")
    assert (found[0], len(said)) == ("paint.py", 2 if len(said) == 2 else 1)
    assert "Searched by words alone" in said[0]
    assert "out of memory" in said[0]


@pytest.mark.parametrize(
    "said",
    [
        b"<html>",
        {},
        {"data": []},
        {"data": [{"index": 0, "embedding": []}]},
        {"data": [{"index": 0, "embedding": ["1"]}]},
        {"data": [{"index": 0, "embedding": [0, 0]}]},
        {"data": [{"index": 0, "embedding": [1e400]}]},
        {"data": [{"index": 7, "embedding": [1.0]}]},
        {"data": [{"index": 0, "embedding": [True]}]},
        {"data": [5]},
        [[1.0], [2.0]],
        b'{"data": [{"index": 0, "embedding": [NaN]}]}',
    ],
)
def test_what_is_no_vector_is_not_taken_for_one(said: object) -> None:
    with EmbeddingServer(lambda _body: (200, said)) as server:
        made = open_embedder(Settings(embedding_model="m", embedding_base=server.base))
        assert made is not None
        with pytest.raises(ModelUnreachable):
            list(made.embed(["text"]))


def test_the_key_goes_to_the_host_of_the_model_alone() -> None:
    with EmbeddingServer() as server:
        own = Settings(embedding_model="m", api_base=server.base, api_key="sk-1,sk-2")
        other = Settings(
            embedding_model="m", api_base="http://127.0.0.1:9/v1", embedding_base=server.base, api_key="sk-1"
        )
        for settings in (own, other):
            made = open_embedder(settings)
            assert made is not None
            assert len(list(made.embed(["a", "b"]))) == 2
    assert [(path, key) for path, key, _ in server.asked] == [("/v1/embeddings", "Bearer sk-1"), ("/v1/embeddings", "")]


ONLY = [
    ("http://h/v1", "http://h/v1", True),
    ("http://h", "http://h/v1", True),
    ("http://h/v1", "http://h:81/v1", False),
    ("http://h/v1", "https://h/v1", False),
    ("http://h/v1", "http://h/v12", False),
    ("lab", "http://127.0.0.1:9/v1", True),
    ("lab", "http://h/v1", False),
    ("ollama", "http://127.0.0.1:11434/v1", True),
    ("anthropic", "http://h/v1", False),
]


@pytest.mark.parametrize(("only", "base", "fine"), ONLY)
def test_code_becomes_vectors_at_the_only_endpoint_or_nowhere(only: str, base: str, fine: bool) -> None:
    lab = ProviderRow(model="m", api_base="http://127.0.0.1:9/v1")
    settings = Settings(embedding_model="m", embedding_base=base, only_endpoint=only, providers={"lab": lab})
    if fine:
        assert open_embedder(settings) is not None
    else:
        with pytest.raises(Refused, match=f"keeps this repository's code at {only}, and its vectors .* at {base}"):
            open_embedder(settings)


@pytest.mark.parametrize("model", ["m", "local/./model"])
@pytest.mark.parametrize(
    ("only", "store", "fine"),
    [
        ("", "http://anywhere:6333", True),
        ("http://h/v1", "http://h:6333", True),
        ("http://h/v1", "http://127.0.0.1:6333", True),
        ("http://h/v1", "http://h.example:6333", False),
        ("http://h/v1", "h:6333", False),
        ("http://h/v1", "http://h:x", False),
        ("lab", "http://10.0.0.9:6333", True),
        ("anthropic", "http://h:6333", False),
    ],
)
def test_vectors_are_kept_where_the_code_may_be(only: str, store: str, fine: bool, model: str) -> None:
    base = {"lab": "http://10.0.0.9/v1", "anthropic": ""}.get(only, "http://h/v1")
    lab = ProviderRow(model="m", api_base="http://10.0.0.9/v1")
    made = Settings(
        embedding_model=model, embedding_base=base, vector_store=store, only_endpoint=only, providers={"lab": lab}
    )
    if fine:
        assert open_embedder(made) is not None
    else:
        with pytest.raises(Refused, match=f"and its vectors would be kept at {store}"):
            open_embedder(made)


def test_nothing_of_it_is_sent_elsewhere(make_repo: Repo) -> None:
    with EmbeddingServer() as server:
        yaml = f"embedding_model: m\nembedding_base: {server.base}\nonly_endpoint: http://127.0.0.1:9/v1\n"
        done = run("index", "--query", "do it again", cwd=make_repo({**FILES, ".github/greenloop.yml": yaml}))
        assert (done.returncode, server.asked) == (5, [])
    assert "`only_endpoint` keeps this repository's code at http://127.0.0.1:9/v1" in done.stderr


def test_hugging_face_has_a_form_of_its_own() -> None:
    with EmbeddingServer() as server:
        base = server.base + "/models/bge/pipeline/feature-extraction"
        made = open_embedder(Settings(embedding_model="bge", embedding_base=base))
        assert made is not None
        (vector,) = made.embed(["retry again"])
    assert [round(value, 2) for value in vector] == [1.0, 0.05, 0.05]
    assert server.asked[0][0] == "/v1/models/bge/pipeline/feature-extraction"


def test_without_an_address_it_says_what_is_missing() -> None:
    assert open_embedder(Settings()) is None
    with pytest.raises(Misconfigured, match="embedding_base"):
        open_embedder(Settings(embedding_model="m"))


def test_the_settings_reach_the_command(make_repo: Repo, tmp_path: Path) -> None:
    with EmbeddingServer() as server:
        yaml = f"embedding_model: m\nembedding_base: {server.base}\nnever_send: [customers.py]\n"
        repo = make_repo({**FILES, ".github/greenloop.yml": yaml})
        code, said = run_json("index", "--query", "do it again", cwd=repo, XDG_CACHE_HOME=str(tmp_path))
    assert (code, said["quoted"][0]["path"]) == (0, "deliver.py")
