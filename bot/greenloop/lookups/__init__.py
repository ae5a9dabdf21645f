"""Questions about a repository → short answers: read, search, definition, uses, list, history.

Nothing runs here. What may be seen is a view's matter: a path that it does not show does not exist.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from greenloop.domain import Question
from greenloop.lookups import names, past, paths
from greenloop.lookups.view import History, View, clipped

__all__ = ["READING", "History", "View", "clipped", "look"]

_Answer = Callable[[str, View], str]
_ANSWERS: Mapping[str, _Answer] = MappingProxyType(
    {"read": paths.read, "list": paths.listed, "search": names.search, "define": names.define, "uses": names.uses}
)
READING = frozenset({*_ANSWERS, "history"})


def look(question: Question, view: View, history: History) -> str:
    """The answer to a question of a kind in `READING`, as lines for the model."""
    about = question.about.strip()
    if not about and question.kind != "list":
        return f"`Look: {question.kind}` needs a word more: what?"
    if question.kind == "history":
        return clipped(past.told(about, view, history))
    return clipped(_ANSWERS[question.kind](about, view))
