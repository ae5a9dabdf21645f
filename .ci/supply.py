"""What greenloop brings along: each distribution of requirements.lock, its licence, and its known vulnerabilities.

    make supply-chain        (ADVISORIES=… names another service than OSV's, or none: ADVISORIES=)

Fails for a vulnerability that is known, and for a licence that nobody has looked at. Where the service cannot be
reached, the vulnerabilities are "not checked", and that is said: it is neither a failure nor a pass.
"""

from __future__ import annotations

import os
import re
import sys
from collections import Counter
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path

from greenloop.domain import Dependency
from greenloop.environment.advisories import NONE_KNOWN, NOT_CHECKED, checked

LOCK = Path(__file__).parents[1] / "requirements.lock"
OSV = "https://api.osv.dev"
PINNED = re.compile(r"^([a-z0-9._-]+)==([^\s;\\]+)", re.MULTILINE)
# what may be handed on beside our own, unchanged and as packages of their own; "A AND B" has to be fine in both
FINE = re.compile(
    r"\b(MIT|MIT-0|BSD|BSD-[23]-Clause|Apache|Apache-2\.0|PSFL?|PSF-2\.0|Python Software Foundation|MPL-2\.0|MPL 2\.0"
    r"|CNRI-Python|LGPL)(?!\S*-)"
)
ELSEWHERE = "for other systems"


def licence(name: str) -> str:
    """As the distribution names it: the SPDX expression, else the classifiers, else the first line of the old field."""
    try:
        said = metadata(name)
    except PackageNotFoundError:
        return ELSEWHERE
    classifiers = [c.rpartition(" :: ")[2] for c in said.get_all("Classifier", []) if c.startswith("License ::")]
    named = (said.get("License-Expression"), ", ".join(classifiers), (said.get("License") or "").partition("\n")[0])
    return next((words for words in named if words), "none named")


def fine(words: str) -> bool:
    return words == ELSEWHERE or all(FINE.search(part) for part in re.split(r" AND |, ", words))


def main() -> int:
    found = [Dependency(name=n, version=v, source="PyPI") for n, v in PINNED.findall(LOCK.read_text(encoding="utf-8"))]
    rows = [(one, licence(one.name)) for one in checked(found, os.environ.get("ADVISORIES", OSV))]
    for one, words in rows:
        print(f"{one.name:28} {one.version:16} {words[:48]:48} {one.vulnerabilities}")
    kinds = Counter(one.vulnerabilities for one, _ in rows)
    known = [one for one, _ in rows if one.vulnerabilities not in (NONE_KNOWN, NOT_CHECKED)]
    strange = [one.name for one, words in rows if not fine(words)]
    counts = f"{kinds[NONE_KNOWN]} none known, {len(known)} with some, {kinds[NOT_CHECKED]} {NOT_CHECKED}"
    print(f"{len(rows)} distributions; vulnerabilities: {counts}.")
    if known:
        words = ", ".join(f"{one.name} {one.vulnerabilities}" for one in known)
        print(f"Known vulnerabilities: {words}. See `make lock`.")
    if strange:
        print(f"Licences that nobody has looked at: {', '.join(strange)}. Read them, then add them to .ci/supply.py.")
    return 1 if known or strange else 0


if __name__ == "__main__":
    sys.exit(main())
