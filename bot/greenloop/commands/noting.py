"""Where the engine's events go in a run: into its record and its course, as they happen."""

from __future__ import annotations

from dataclasses import replace

from greenloop.commands.course import Course
from greenloop.commands.run import Run
from greenloop.domain import Request, Tree
from greenloop.engine.candidate import Candidate
from greenloop.engine.turn import Answered, Sink
from greenloop.engine.workbench import Workbench
from greenloop.ports import Chat, Reply
from greenloop.records import recording
from greenloop.report.trailers import Made, message


def noting(request: Request, bench: Workbench, run: Run, course: Course) -> Sink:
    def commit(made: Made, candidate: Candidate) -> str:
        text = message(made, request, sign_off=bench.settings.sign_off)
        return run.commit(made, candidate.tree, text)

    def replied(attempt: int, chat: Chat, reply: Reply) -> None:
        run.note(recording.replied(reply, attempt=attempt, prompt=recording.prompt_sha256(chat)))

    def unusable(attempt: int, words: str) -> None:
        course.unusable += 1
        run.note(recording.Discarded(attempt=attempt, message=words))

    def looked(attempt: int, tree: Tree, answers: tuple[Answered, ...]) -> None:
        course.lookups += 1
        asked, told = tuple(a.question.words for a in answers), tuple(a.text for a in answers)
        run.note(recording.Looked(attempt=attempt, tree=tree, asked=asked, answers=told))

    def unanswered(attempt: int, draw: int, words: str) -> None:
        run.note(recording.Unanswered(attempt=attempt, draw=draw, message=words))

    def tested(tests: tuple[str, ...], words: str) -> None:
        course.tested = words
        run.note(recording.Tested(tests=tests, message=words))

    def chosen(attempt: int, why: str) -> None:
        run.note(recording.Chosen(attempt=attempt, why=why))

    def omitted(names: tuple[str, ...]) -> None:
        if course.task is not None:
            course.task = replace(course.task, omitted=tuple(dict.fromkeys((*course.task.omitted, *names))))

    return Sink(
        reply=replied,
        unusable=unusable,
        looked=looked,
        commit=commit,
        omitted=omitted,
        unanswered=unanswered,
        tested=tested,
        chosen=chosen,
    )
