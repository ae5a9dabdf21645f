"""Runs inside the sandbox, by the build environment's interpreter: calls the build backend of an unpacked sdist.

Never imported by greenloop, and knows nothing of it.
"""

import importlib
import json
import sys
from pathlib import Path


def main(what: str, out: str, backend: str, *backend_path: str) -> None:
    """`what` is "requires" or "wheel"; the answer is written into the folder `out`."""
    sys.path[:0] = [str(Path(folder).resolve()) for folder in backend_path]
    module, _, attribute = backend.partition(":")
    hooks = importlib.import_module(module)
    for name in filter(None, attribute.split(".")):
        hooks = getattr(hooks, name)
    if what == "requires":
        found = hooks.get_requires_for_build_wheel() if hasattr(hooks, "get_requires_for_build_wheel") else []
        Path(out, "requires").write_text(json.dumps(found), encoding="utf-8")
    else:
        built = hooks.build_wheel(out)
        Path(out, built).replace(Path(out, "wheel"))
        Path(out, "name").write_text(built, encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
