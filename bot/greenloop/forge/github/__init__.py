"""GitHub, behind values of ours: the only package that knows PyGithub and the token.

Pushing and cloning are git's; annotations, summary and outputs are the runner's and belong to the action.
"""

from greenloop.forge.github.adapter import GitHub
from greenloop.forge.github.asking import HURRY, Pace
from greenloop.forge.github.connection import Connection
from greenloop.forge.github.errors import Fault, Forbidden, Missing, RateLimited
from greenloop.forge.github.people import ACTIONS
from greenloop.forge.github.values import (
    CheckRun,
    Comment,
    Issue,
    LineComment,
    NotAllowed,
    Note,
    Proposed,
    PullRequest,
    Remarks,
    Repository,
    ReviewThread,
    Said,
    Threads,
)

__all__ = [
    "ACTIONS",
    "HURRY",
    "CheckRun",
    "Comment",
    "Connection",
    "Fault",
    "Forbidden",
    "GitHub",
    "Issue",
    "LineComment",
    "Missing",
    "NotAllowed",
    "Note",
    "Pace",
    "Proposed",
    "PullRequest",
    "RateLimited",
    "Remarks",
    "Repository",
    "ReviewThread",
    "Said",
    "Threads",
]
