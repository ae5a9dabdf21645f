"""A program that opens the sandbox and runs one command in it, for the tests that must be another user or interpreter.

    python -I drive.py FOLDER-OF-THE-PACKAGE < {"choice", "argv", "cwd", "policy", "without"}
    python -I drive.py FOLDER-OF-THE-PACKAGE --without CALL,CALL PROGRAM ARGUMENT…

`without` are system calls that are refused to this very process first, as a container's own filter does.
"""

from __future__ import annotations

import ctypes
import dataclasses
import errno
import json
import os
import struct
import sys
from pathlib import Path
from typing import Any


def refuse(names: list[str]) -> None:
    from greenloop.sandbox import kernel, seccomp  # noqa: PLC0415 - after sys.path is set

    allow = struct.pack("=HBBI", 0x06, 0, 0, 0x7FFF0000)
    load = struct.pack("=HBBI", 0x20, 0, 0, 0)
    code = load + b"".join(seccomp._refuse(name, errno.EPERM) for name in names) + allow
    kept = ctypes.create_string_buffer(code, len(code))
    kernel.call("prctl", kernel.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    kernel.call("seccomp", 1, 0, struct.pack("=H6xQ", len(code) // 8, ctypes.addressof(kept)))


def drive(order: dict[str, Any]) -> dict[str, Any]:
    from greenloop.errors import NoSandbox  # noqa: PLC0415 - likewise
    from greenloop.ports import Policy  # noqa: PLC0415 - likewise
    from greenloop.sandbox import WEAK, open_sandbox  # noqa: PLC0415 - likewise
    from greenloop.sandbox.box import Box  # noqa: PLC0415 - likewise

    if order["without"]:
        refuse(order["without"])
    policy = dict(order["policy"])
    for name in ("readable", "writable", "path", "artifacts"):
        policy[name] = tuple(map(Path, policy.get(name, ())))
    box = Box("auto", weak=True) if order["choice"] == WEAK else open_sandbox(order["choice"])
    try:
        completed = box.run(tuple(order["argv"]), cwd=Path(order["cwd"]), policy=Policy(**policy))
    except NoSandbox as error:
        return {"refused": str(error)}
    done = dataclasses.asdict(completed)
    done["artifacts"] = {str(path): data.decode() for path, data in done["artifacts"].items()}
    return {"level": box.level, "done": done}


if __name__ == "__main__":
    sys.path.insert(0, sys.argv[1])
    if sys.argv[2:3] == ["--without"]:
        refuse(sys.argv[3].split(","))
        os.execv(sys.argv[4], sys.argv[4:])  # noqa: S606 - no shell is what is wanted
    json.dump(drive(json.load(sys.stdin)), sys.stdout)
