"""Several keys for one provider: a key that was refused rests until its time, and another one goes on at once.

The keys are read anew for each call, so that one can be exchanged while a run goes on.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from hashlib import sha256

from greenloop.model.faults import Fault
from greenloop.model.shared import Shared

WRONG = 600.0  # seconds that a key rests after 401 or 403: somebody has to mend it
LIMITED = 60.0  # after 429 without Retry-After
_LONGEST = 86_400.0


class Ring:
    """`read` gives the keys of `place`, the preferred one first; without any, the empty key is the only one."""

    def __init__(self, place: str, read: Callable[[], tuple[str, ...]], shared: Shared) -> None:
        self._place = place
        self._read = read
        self._shared = shared
        self._seen: dict[str, None] = {}

    def seen(self) -> tuple[str, ...]:
        """Every key that was there at some time: none of them may be shown."""
        self._keys()
        return tuple(self._seen)

    def pick(self, refused: Collection[str] = ()) -> str:
        """The first key that does not rest and that this call was not `refused`. Raises a `Fault` that says how long to
        wait when all are limited; a key that was wrong may have been mended, so the last resort is such a one."""
        left = [key for key in self._keys() if key not in refused]
        rests = {key: self._rests(key) for key in left}
        awake = next((key for key, (seconds, _) in rests.items() if seconds <= 0), None)
        if awake is not None:
            return awake
        limited = [seconds for seconds, wrong in rests.values() if not wrong]
        if not limited:
            return min(rests, key=lambda key: rests[key])
        wait = min(limited)
        raise Fault(
            f"{self._place} is limiting our requests: every key rests for {wait:.0f} s.",
            again=True,
            wait=wait,
            cause="limit",
        )

    def rest(self, key: str, fault: Fault, refused: Collection[str]) -> bool:
        """After a refusal of this key. Whether another one is awake that this call was not `refused`. A limit without
        Retry-After rests a key only where there is another one: else the pace of the tries decides."""
        others = [other for other in self._keys() if other not in refused and self._rests(other)[0] <= 0]
        if fault.cause == "key":
            self._sleep(key, WRONG, wrong=1.0)
        elif fault.wait is not None or others:
            self._sleep(key, LIMITED if fault.wait is None else fault.wait, wrong=0.0)
        return bool(others)

    def wakes(self) -> float:
        """Seconds until a key is awake."""
        return min(self._rests(key)[0] for key in self._keys())

    def _keys(self) -> tuple[str, ...]:
        keys = tuple(dict.fromkeys(self._read())) or ("",)
        self._seen.update(dict.fromkeys(key for key in keys if key))
        return keys

    def _sleep(self, key: str, seconds: float, *, wrong: float) -> None:
        until = self._shared.now() + min(seconds, _LONGEST)
        self._shared.change(_name(key), lambda _: ({"until": until, "wrong": wrong}, None))

    def _rests(self, key: str) -> tuple[float, bool]:
        """Seconds that it still rests, and whether because it was wrong."""
        fact = self._shared.change(_name(key), lambda fact: (fact, fact)) if key else {}
        rest = fact.get("until", 0.0) - self._shared.now()
        return (rest if 0 < rest <= _LONGEST else 0.0), bool(fact.get("wrong"))


def _name(key: str) -> str:
    """A key is known by its hash: the file of the machine holds none."""
    return f"key {sha256(key.encode()).hexdigest()[:32]}"
