"""How a model is asked to write its edits. `any` is for models that manage whole files and SEARCH/REPLACE; the others
are for those that `greenloop doctor --model` has found to manage one form only. What comes is read in every form."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

_BEGIN = (
    "Begin with one line `Summary: …`; it becomes the commit subject. Then the edits, applied in order, all or none."
)
_END = "Outside fences, `Delete: path` and `Move: old -> new`. If a file holds ```, use a longer fence around it."
_BLOCK = """\
<<<<<<< SEARCH
    return a
=======
    return b
>>>>>>> REPLACE"""
_NEW = """\
src/new.py
```python
print("the whole file")
```"""
_ANY = f"""\
{_BEGIN}

New file, or one of up to 150 lines: its path alone on a line, then the whole file in a fence, nothing left out.

{_NEW}

Larger file: lines to find, copied exactly, enough of them to occur once; several such blocks may follow each other.

src/large.py
```python
{_BLOCK}
```

{_END}"""
_WHOLE = f"""\
{_BEGIN}

Each file that changes, and each new one: its path alone on a line, then the whole file in a fence, first line to last,
nothing left out.

{_NEW.replace("new", "module")}

{_END}"""
_SEARCH = f"""\
{_BEGIN}

File that changes: lines to find, copied exactly, enough to occur once; several such blocks may follow each other.

src/module.py
```python
{_BLOCK}
```

New file: its path alone on a line, then the whole file in a fence.

{_NEW}

{_END}"""
_DIFF = f"""\
{_BEGIN}

All changes as one unified diff in a fence, with its headers and three lines around each change, copied exactly.

```diff
--- a/src/module.py
+++ b/src/module.py
@@ -1,2 +1,2 @@
 def f(a, b):
-    return a
+    return b
```

{_END}"""
ASKED: Mapping[str, str] = MappingProxyType({"any": _ANY, "whole": _WHOLE, "search": _SEARCH, "diff": _DIFF})
# what is said of a file that is quoted in part
IN_PART: Mapping[str, str] = MappingProxyType(
    {
        "any": "change by SEARCH/REPLACE",
        "whole": "to read, not to change",
        "search": "change by SEARCH/REPLACE",
        "diff": "change by the diff",
    }
)


def asked(edit_format: str) -> str:
    """The name of the form that is asked for; nothing is known of a model at `auto`."""
    return edit_format if edit_format in ASKED else "any"
