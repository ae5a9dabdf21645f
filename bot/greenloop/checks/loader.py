"""The plug-in that pytest is told to load: it runs the reporter, which lies beside it, as if it stood here.

PYTEST_DONT_REWRITE. pytest takes the source of a plug-in apart before it compiles it, and the reporter is long. What
greenloop's own interpreter has compiled is taken where the target's is of the same kind. Python 3.8 to 3.14.
"""

# ruff: noqa: PTH100, PTH118, PTH120, PTH123 - plain functions of os.path: no pathlib objects in the process of somebody else's tests

from __future__ import annotations

import importlib.util
import marshal
import os
from types import CodeType

TYPE_CHECKING = False
if TYPE_CHECKING:
    import pytest

_PLACE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "reporter")


def _code() -> CodeType:
    with open(_PLACE + ".code", "rb") as made:
        if made.read(len(importlib.util.MAGIC_NUMBER)) == importlib.util.MAGIC_NUMBER:
            found: CodeType = marshal.load(made)  # noqa: S302 - our own file, in a folder that nobody else writes to
            return found
    with open(_PLACE + ".source", encoding="utf-8") as source:
        return compile(source.read(), "<greenloop's reporter>", "exec", dont_inherit=True)


def pytest_addoption(parser: pytest.Parser) -> None:
    """What we name a place for is an option also where the cache's own plug-in is off: strictly, an error."""
    parser.addini("cache_dir", "where the cache lies", default=".pytest_cache")


exec(_code(), globals())  # noqa: S102 - our own file
