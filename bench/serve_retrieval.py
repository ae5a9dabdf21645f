"""The retriever behind the line protocol of a localisation harness: JSON lines in, JSON lines out.

    {"op": "index", "dir": D, "state": S, "cold": bool}       → {"ok": true}
    {"op": "query", "dir": D, "state": S, "text": T, "budget": N} → {"regions": [[path, first, last], …]}

It sees a folder and no history of it; with one it finds more.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from greenloop.retrieval import opening
from greenloop.retrieval.corpus import searchable
from greenloop.retrieval.hybrid import Hybrid, Material
from retrieval import files_in, reader, tokens


def main() -> None:
    made: Hybrid | None = None
    for line in sys.stdin:
        asked = json.loads(line)
        said: dict[str, object] = {"ok": True}
        root = Path(asked["dir"])
        if asked["op"] == "index":
            if made is not None:
                made.close()
            files = searchable(files_in(root))
            store = opening.open_store(opening.place(Path(asked["state"]), str(root), trusted=True))
            made = Hybrid(store, Material(files=files, read=reader(root), estimate=tokens))
        elif made is not None:
            said = {"regions": made.regions(asked["text"], asked["budget"])}
        print(json.dumps(said), flush=True)


if __name__ == "__main__":
    main()
