"""What a batch costs does not depend on how much is in the index already; counted, not timed."""

from __future__ import annotations

import gc
from pathlib import Path

import pytest

from greenloop.retrieval import chunks
from greenloop.retrieval.corpus import File, parse
from greenloop.retrieval.store import Store


def steps(store: Store, number: int) -> int:
    """What SQLite's machine takes to add one batch of twenty files of the same shape."""
    files = [File(f"m{n}.py", f"{n:04}") for n in range(number * 20, number * 20 + 20)]
    batch = [parse(file, f"def send_it(report):\n    return retry(report, {file.blob!r})\n") for file in files]
    taken = 0

    def step() -> int:
        nonlocal taken
        taken += 1
        return 0

    store._db.set_progress_handler(step, 1)
    store.add(batch)
    store._db.set_progress_handler(None, 1)
    return taken


def test_a_batch_costs_the_same_in_a_large_index(tmp_path: Path) -> None:
    with Store(tmp_path / "index.sqlite") as store:
        taken = [steps(store, number) for number in range(30)]
        assert set(taken[1:]) == {taken[1]}
        assert sum(len(postings.ids) for postings in store.postings("send_it")) == 600


@pytest.mark.parametrize("wanted", [True, False])
def test_no_garbage_is_looked_for_while_a_file_is_parsed(wanted: bool) -> None:
    walks: list[str] = []
    gc.callbacks.append(lambda phase, _about: walks.append(phase))
    text = "".join(f"def send_{n}(report):\n    return [report, {n}]\n" for n in range(2000))
    try:
        assert (gc.enable if wanted else gc.disable)() is None
        walks.clear()
        found = parse(File("m.py", "1"), text)
        seen = (len(found.chunks), walks.count("start") <= 1, gc.isenabled())  # one when it is over
    finally:
        gc.callbacks.pop()
        gc.enable()
    assert seen == (2000, True, wanted)


def test_it_is_looked_for_again_when_parsing_is_interrupted(monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(_text: str) -> list[chunks.Chunk]:
        raise KeyboardInterrupt

    monkeypatch.setattr("greenloop.retrieval.chunks.python", stop)
    with pytest.raises(KeyboardInterrupt):
        parse(File("m.py", "1"), "")
    assert gc.isenabled()
