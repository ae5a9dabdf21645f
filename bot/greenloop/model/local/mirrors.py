"""Whether the hub that is asked may have the user's token: huggingface.co may, and whom the user names. Pure.

HF_ENDPOINT alone says where weights come from. A mirror that serves them well need not be one to give a key to.
"""

from __future__ import annotations

from collections.abc import Mapping

from greenloop.errors import Misconfigured
from greenloop.model.given import origin
from greenloop.model.own_keys import meant

ENDPOINT = "HF_ENDPOINT"
ANONYMOUS = "HF_HUB_DISABLE_IMPLICIT_TOKEN"  # the library's own: send no token, wherever one lies
HUB = "https://huggingface.co"
_NO_HUB = f"{ENDPOINT} is {{value!r}}, which is no address of a hub; one looks like {HUB}"


def trusted(environment: Mapping[str, str]) -> bool:
    """Raises `Misconfigured` for an address that is none."""
    address = environment.get(ENDPOINT, "").strip() or HUB
    try:
        scheme, host, _ = found = origin(address)
    except ValueError:
        scheme, host, found = "", "", ("", "", 0)
    if scheme not in {"http", "https"} or not host:
        raise Misconfigured(_NO_HUB.format(value=address))
    return found == origin(HUB) or meant(address, "", environment)
