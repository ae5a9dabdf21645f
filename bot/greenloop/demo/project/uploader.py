"""Send reports to the archive."""

import hashlib
from collections.abc import Callable

TRIES = 3


def fingerprint(report: bytes) -> str:
    return hashlib.md5(report).hexdigest()


def upload(send: Callable[[bytes], str], report: bytes) -> str:
    """Send `report` and return the address that the archive gave it."""
    return send(report)
