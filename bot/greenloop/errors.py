"""The one tree of errors that a user can act on, and the exit code of each.

A failing check, an edit that does not apply or a useless answer is a value (`domain.py`), never one of these.

    GreenloopError            1   anything below, when no narrower class fits
     ├─ UsageError            2   the command line or the repository is not what the command needs
     ├─ Misconfigured         2   settings that cannot be read or do not fit together
     ├─ Refused               5   somebody or something is not allowed to do this
     ├─ OutOfBudget           6   the next call could exceed tokens, money or time
     ├─ BrokenEnvironment     7   tests, tools or dependencies cannot run at all
     ├─ ModelUnreachable      8   no usable answer from the model's side: network, key, cut stream, refusal
     ├─ NoSandbox             9   nothing strong enough to confine generated code
     └─ NotPushed            10   the other side did not take a push
"""


class GreenloopError(Exception):
    """Something the user can act on; the message says what happened, where, and what to do."""

    exit_code = 1


class UsageError(GreenloopError):
    """The command line, or the repository it points at, is not what the command needs."""

    exit_code = 2


class Misconfigured(GreenloopError):
    """Settings that cannot be read, or that contradict each other."""

    exit_code = 2


class Refused(GreenloopError):
    """The actor may not do this, or the request asks for what is never done."""

    exit_code = 5


class OutOfBudget(GreenloopError):
    """The next call could exceed the limit on tokens, money or wall time."""

    exit_code = 6


class BrokenEnvironment(GreenloopError):
    """Tests, tools or dependencies of the target cannot run at all; says nothing about the code."""

    exit_code = 7


class ModelUnreachable(GreenloopError):
    """The model's side failed: refused connection, wrong key, cut stream, error answer.

    `partial` holds what had arrived; `spent` tells whether the provider may have billed the call.
    """

    exit_code = 8

    def __init__(self, message: str, *, partial: str = "", spent: bool = False) -> None:
        super().__init__(message)
        self.partial = partial
        self.spent = spent


class NoSandbox(GreenloopError):
    """Nothing strong enough to confine generated code is available; the message names the cure."""

    exit_code = 9


class NotPushed(GreenloopError):
    """The other side did not take a push; the message says why and what to do."""

    exit_code = 10
