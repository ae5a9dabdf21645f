"""The values that the program is about. Standard library only; nothing here does anything.

Every value is frozen, every collection a tuple or a read-only mapping, so a value can be passed to any thread, kept,
and compared whole. Paths inside a repository are POSIX strings relative to its root; paths on disk are `pathlib.Path`.
"""

from greenloop.domain.asked import Message, Request, Snippet, Source, Task, Thread, Trust
from greenloop.domain.ended import Attempt, Ending, Outcome, Reason, Usage
from greenloop.domain.measured import (
    Cause,
    CheckResult,
    Covered,
    Dependency,
    Evidence,
    Finding,
    Frame,
    Number,
    Report,
    Severity,
    Status,
    TestCase,
    Verdict,
)
from greenloop.domain.proposed import Delete, Edit, Fault, Lookup, Move, Patch, Question, Replace, Tree, Unusable, Write

__all__ = [
    "Attempt",
    "Cause",
    "CheckResult",
    "Covered",
    "Delete",
    "Dependency",
    "Edit",
    "Ending",
    "Evidence",
    "Fault",
    "Finding",
    "Frame",
    "Lookup",
    "Message",
    "Move",
    "Number",
    "Outcome",
    "Patch",
    "Question",
    "Reason",
    "Replace",
    "Report",
    "Request",
    "Severity",
    "Snippet",
    "Source",
    "Status",
    "Task",
    "TestCase",
    "Thread",
    "Tree",
    "Trust",
    "Unusable",
    "Usage",
    "Verdict",
    "Write",
]
