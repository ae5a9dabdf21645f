"""What is answered at once, beside a run and without its lock: words about commands."""

from __future__ import annotations

from greenloop.domain import Outcome, Reason, Request
from greenloop.orders import COMMANDS, UNKNOWN, Words
from greenloop.render import code
from greenloop.service.told import Told

HELP = "**What I do when somebody with the access for it begins a comment with one of these:**"
NO_COMMAND = "{word} is no command here. Did you mean {near}?"
OFF = "`/{word}` is switched off in the settings of this repository (`commands_off`)."


def answers(command: str) -> bool:
    return command == UNKNOWN or COMMANDS[command].beside


def answer(request: Request, words: Words, told: Told) -> Outcome:
    """One comment, also when the event comes twice."""
    said = _unknown(request.text, words) if request.command == UNKNOWN else f"{HELP}\n\n{words.listed()}"
    told.say(said)
    return Outcome(request=request, reason=Reason.ANSWERED, answer=said)


def _unknown(word: str, words: Words) -> str:
    if word in words.off:
        return OFF.format(word=word)
    near = words.near(word)
    return f"{NO_COMMAND.format(word=code(f'/{word}'), near=code(f'/{near}'))}\n\n{words.listed()}"
