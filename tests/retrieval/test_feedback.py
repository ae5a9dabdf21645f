"""The second look: words that a request lacks and its best finds have."""

from __future__ import annotations

import math

from greenloop.retrieval.corpus import File, searchable
from greenloop.retrieval.feedback import FINDS, SHARE, WORDS, words
from greenloop.retrieval.hybrid import Hybrid, Material
from greenloop.retrieval.store import Store

FILES = {
    "src/mail.py": "def send(report):\n    return courier(report)\n",
    "src/van.py": "class Courier:\n    wheels = 4\n",
    "src/shop.py": "def shop():\n    return 1\n",
}


def paths(*without: str) -> list[str]:
    files = searchable(File(path, str(hash(text)), len(text)) for path, text in FILES.items())
    made = Hybrid(Store(None), Material(files=files, read=FILES.get), without=without)
    return [path for path, _, _ in made.regions("send the report", 10_000)]


def test_what_shares_a_word_with_the_best_find_is_found_as_well() -> None:
    assert (paths(), paths("words")) == (["src/mail.py", "src/van.py"], ["src/mail.py"])


def test_words_are_weighed_by_how_often_they_stand_there_and_how_seldom_elsewhere() -> None:
    rarity = {"common": 0.1, "seldom": 2.0, "lonely": 2.0}
    found = words(
        [(2.0, "seldom seldom common common wanting"), (1.0, "lonely common")], {"want": 1.0}, rarity.__getitem__
    )
    assert {word: round(value, 4) for word, value in found.items()} == {
        "seldom": SHARE,
        "lonely": round(SHARE * (1.0 / 2) / (2.0 * 2 / 5), 4),
        "common": round(SHARE * (2.0 * 2 / 5 + 1.0 / 2) * 0.1 / (2.0 * 2 / 5 * 2.0), 4),
    }


def test_one_find_cannot_shout_down_the_others_and_words_are_few() -> None:
    loud = "loud " * 100_000
    found = words([(1.0, loud), (1.0, "quiet")], {}, lambda _: 1.0)
    assert found == {"loud": SHARE, "quiet": SHARE}
    many = " ".join(f"word{chr(97 + n % 26)}{chr(97 + n // 26)}" for n in range(600))
    found = words([(1.0, many)] * FINDS, {}, lambda _: 1.0)
    assert (len(found), all(math.isclose(value, SHARE) for value in found.values())) == (WORDS, True)


def test_nothing_is_learned_from_nothing() -> None:
    assert words([], {"a": 1.0}, lambda _: 1.0) == {}
    assert words([(0.0, "word"), (1.0, ""), (1.0, "wanting")], {"want": 1.0}, lambda _: 1.0) == {}
    assert words([(1.0, "word")], {}, lambda _: 0.0) == {}
