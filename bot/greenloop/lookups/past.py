"""The last changes of one file, as git has them."""

from __future__ import annotations

from greenloop.hygiene.secrets import holds_secret
from greenloop.lookups.view import History, View, found, missing

_COMMITS = 5
_FRAME = ("diff --git ", "index ", "--- ", "+++ ", "new file mode ", "deleted file mode ", "similarity ")


def told(about: str, view: View, history: History) -> str:
    """Day, subject and difference of each; without the difference where it holds what must not be shown."""
    path = found(about, view)
    if path is None:
        return missing(about, view)
    said = history(path, _COMMITS)
    if holds_secret(said):
        kept = [line for line in said.split("\n") if line.startswith("commit ")]
        said = "\n".join([*kept, "(The differences hold something that must not be shown.)"])
    said = "\n".join(line for line in said.split("\n") if line and not line.startswith(_FRAME))
    return said or f"Nothing has changed {path} in the history that is here."
