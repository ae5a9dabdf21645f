"""That the kill table can be applied; whether its tests turn red is seen by `make kills`."""

from __future__ import annotations

from kills import run


def test_every_rule_is_where_the_table_says_and_names_a_test_that_is_there() -> None:
    wrong = []
    for kill in run.load([]):
        source, (path, _, name) = (run.ROOT / kill.file).read_text("utf-8"), kill.test.partition("::")
        if source.count(kill.old) != 1:
            wrong.append(f"{kill.area}: {kill.rule}: its text occurs {source.count(kill.old)} times in {kill.file}")
        if f"def {name.partition('[')[0].rpartition('::')[2]}(" not in (run.ROOT / path).read_text("utf-8"):
            wrong.append(f"{kill.area}: {kill.rule}: there is no {kill.test}")
    assert wrong == []
