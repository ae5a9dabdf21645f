"""The launcher: a process of its own that builds the confinement, checks it from inside and starts the program.

    launcher ── fork ─► first (confined; init of its process namespace) ── fork ─► the program
    watches over the end of all of them            without namespaces the first becomes the program itself

It tells the parent on the descriptor `status`: "first" and its process id; "unavailable …" or "unusable …" when nothing
was run, else "ready" and the ABI of Landlock; "exit", the code and the peak memory (KB) when all of them are gone.
"""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]  # the public module imports enum: 3 ms
import os

from greenloop.sandbox import confine, kernel, namespaces, offspring
from greenloop.sandbox.kernel import Unavailable, Unusable
from greenloop.sandbox.spec import Spec, decode

_LATE = 60  # seconds after its time is over that a container ends itself, should nobody be left to end it


def main(status: int) -> None:
    order = _read(0)
    if not order:  # nobody needs it any more
        return
    spec = decode(order)
    kernel.call("prctl", kernel.PR_SET_PDEATHSIG, int(_signal.SIGTERM), 0, 0, 0)
    in_container = spec["backend"] == ["container"]  # there it is the first process, and nobody's child
    if in_container:
        _signal.alarm(int(float(spec["seconds"][0])) + _LATE)
    elif os.getppid() != int(spec["parent"][0]):
        return
    try:
        _supervise(spec, status)
    except (OSError, Unavailable) as error:
        _tell(status, f"unavailable {_words(error)}")


def _read(source: int) -> bytes:
    parts = []
    while part := os.read(source, 1 << 16):
        parts.append(part)
    return b"".join(parts)


def _tell(status: int, line: str) -> None:
    os.write(status, line.replace("\n", " ").encode("utf-8", "surrogateescape") + b"\n")


def _words(error: Exception) -> str:
    """Without the number that Python puts before the text of a system error."""
    return str(error).rpartition("] ")[2]


def _supervise(spec: Spec, status: int) -> None:
    """Start the first process, wait for its end, see that nothing is left, and report."""
    uid = int(spec["identity"][0]) if spec["identity"] else None
    if uid is not None:
        os.fchown(1, uid, uid)  # so that /dev/stdout can be opened again
        os.fchown(2, uid, uid)
    contained = spec["backend"] == ["namespaces"]
    if contained:
        namespaces.enter(own_user=uid is None)
    else:
        kernel.call("prctl", kernel.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    first: list[int] = []

    def end(_number: int, _frame: object) -> None:
        if not first:
            os._exit(kernel.NEVER_RUN)
        _end_all(spec, uid, first[0])

    _signal.signal(_signal.SIGTERM, end)
    _signal.signal(_signal.SIGALRM, end)
    alive, held = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(held)
        _first(spec, status, alive)
    first.append(child)
    _tell(status, f"first {child}")
    code, peak = _wait(child)
    if not contained:
        _end_rest(spec, uid)
    _tell(status, f"exit {code} {peak}")


def _end_all(spec: Spec, uid: int | None, first: int) -> None:
    if spec["backend"] == ["namespaces"]:
        os.kill(first, _signal.SIGKILL)
    elif uid is not None:
        _kill_all(uid)
    elif spec["backend"] == ["weak"]:
        offspring.kill()
    else:  # the first process of a container: all others end with it
        os._exit(kernel.NEVER_RUN)


def _end_rest(spec: Spec, uid: int | None) -> None:
    """What the program has left running."""
    if uid is not None:
        _kill_all(uid)
        _reap()
    elif spec["backend"] == ["weak"]:
        offspring.end()


def _wait(child: int) -> tuple[int, int]:
    """Exit code as a shell reports it, and peak memory; orphans that come to us are reaped on the way."""
    while True:
        pid, ended, usage = os.wait4(-1, 0)
        if pid == child:
            return _code(ended), usage.ru_maxrss


def _code(ended: int) -> int:
    code = os.waitstatus_to_exitcode(ended)
    return code if code >= 0 else 128 - code


def _kill_all(uid: int) -> None:
    """A child becomes the user and kills all that the user has, at once and with no race; the user may shoot back."""
    while True:
        helper = os.fork()
        if helper == 0:
            try:
                confine.become(uid)
                _kill_all_others()
                os._exit(0)
            finally:
                os._exit(1)
        ended = os.waitstatus_to_exitcode(os.waitpid(helper, 0)[1])
        if ended == 0:
            return
        if ended > 0:  # not shot, but unable
            raise Unavailable("the processes of the run's user cannot be ended")


def _kill_all_others() -> None:
    if os.getuid() == 0:
        raise PermissionError("will not kill everything of root")
    try:
        os.kill(-1, _signal.SIGKILL)
    except ProcessLookupError:  # it has none
        return


def _reap() -> None:
    try:
        while True:
            os.wait()
    except ChildProcessError:
        return


def _first(spec: Spec, status: int, alive: int) -> None:
    """The first process inside: confines itself, tells that it is ready, becomes init or the program."""
    _signal.signal(_signal.SIGTERM, _signal.SIG_DFL)
    _signal.signal(_signal.SIGALRM, _signal.SIG_DFL)
    os.setsid()
    contained = spec["backend"] == ["namespaces"]
    try:
        confine.die_with_launcher(alive)
        _offer_to_the_out_of_memory_killer()
        if contained:
            namespaces.build(spec)
        version, found = confine.confine(spec, alive, contained=contained)
    except Unusable as error:
        _tell(status, f"unusable {error}")
        os._exit(kernel.NEVER_RUN)
    except (OSError, Unavailable) as error:
        _tell(status, f"unavailable {_words(error)}")
        os._exit(kernel.NEVER_RUN)
    if found:
        _tell(status, f"open {', '.join(found)}")
    _tell(status, f"ready {version}")
    os.close(status)
    os.close(alive)
    if contained:
        _be_init()
    _execute(spec)


def _offer_to_the_out_of_memory_killer() -> None:
    try:
        handle = os.open("/proc/self/oom_score_adj", os.O_WRONLY)
        os.write(handle, b"1000")
        os.close(handle)
    except OSError:  # only a courtesy to the rest of the machine
        return


def _be_init() -> None:
    """Fork the program and reap; our end is the end of everything in this namespace."""
    program = os.fork()
    if program == 0:
        return
    for handle in (0, 1, 2):
        os.close(handle)
    os._exit(_wait(program)[0])


def _execute(spec: Spec) -> None:
    """Become the program; the exit codes and words are a shell's."""
    for number in (_signal.SIGPIPE, _signal.SIGXFSZ):  # this interpreter ignores them, and that is inherited
        _signal.signal(number, _signal.SIG_DFL)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    argv, environment = spec["argv"], dict(zip(spec["environment"][::2], spec["environment"][1::2], strict=True))
    name, code, reason = argv[0], 127, "not found"
    folders = [""] if "/" in name else environment["PATH"].split(":")
    for folder in folders:
        try:
            os.execve(os.path.join(folder, name), argv, environment)  # noqa: PTH118, S606 - this is the door
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError as error:
            code, reason = 126, error.strerror or str(error)
    os.write(2, f"greenloop: {name}: {reason}\n".encode("utf-8", "surrogateescape"))
    os._exit(code)
