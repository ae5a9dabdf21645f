"""What is answered at once, beside a run and without its lock: words about commands and about runs."""

from __future__ import annotations

from greenloop.domain import Outcome, Reason
from greenloop.errors import Refused
from greenloop.orders import COMMANDS, UNKNOWN
from greenloop.report.render import calls, code, inert, money
from greenloop.service import runs
from greenloop.service.runs import Known, Recorded
from greenloop.service.scene import Scene

HELP = "**What I do when somebody with the access for it begins a comment with one of these:**"
NO_COMMAND = "{word} is no command here. Did you mean {near}?"
OFF = "`/{word}` is switched off in the settings of this repository (`commands_off`)."
NOWHERE = "The input `number` is empty. It is the number of the issue or pull request that the run is about."
QUIET = "Nothing is at work here."
ASKED = "🛑 {run} ({title}) is asked to end. It keeps its best attempt, and says so in its own comment."
GONE = "🛑 The runner of {run} ({title}) is gone, and its lock is removed now. What it had made is kept; {more}"
BUSY = "🛑 {run} ({title}) has ended meanwhile, or somebody else has taken over. Look again in a minute."
GO_ON = "`/continue` goes on from there."
LOCKED = "`/stop` removes its lock. "
SAID = "This was answered already."


def answers(command: str) -> bool:
    return command == UNKNOWN or COMMANDS[command].beside


def answer(scene: Scene) -> Outcome:
    """One comment, also when the event comes twice."""
    request = scene.request
    if scene.told.done:
        return Outcome(request=request, reason=Reason.ANSWERED, detail=SAID)
    said = {"status": _status, "stop": _stop, "help": _help, UNKNOWN: _unknown}[request.command](scene)
    scene.told.say(said)
    return Outcome(request=request, reason=Reason.ANSWERED, answer=said)


def _help(scene: Scene) -> str:
    return f"{HELP}\n\n{scene.words.listed()}"


def _unknown(scene: Scene) -> str:
    word, words = scene.request.text, scene.words
    if word in words.off:
        return OFF.format(word=word)
    near = words.near(word)
    return f"{NO_COMMAND.format(word=code(f'/{word}'), near=code(f'/{near}'))}\n\n{words.listed()}"


def _run(scene: Scene, known: Known) -> str:
    name = known.holder.run
    return f"[workflow run {name}]({scene.page}/actions/runs/{name})" if name.isdigit() else "the run"


def _where(scene: Scene) -> runs.Place:
    if scene.request.number is None:
        raise Refused(NOWHERE)
    return runs.place(scene.request.number, scene.github)


def _stop(scene: Scene) -> str:
    """Also of a run whose runner is gone: nothing is asked of it but its lock."""
    at_work = runs.at_work(_where(scene), scene.remote, scene.temp)
    return "\n\n".join(_stopped(scene, known) for known in at_work) or QUIET


def _stopped(scene: Scene, known: Known) -> str:
    run, title = _run(scene, known), inert(known.title.replace("`", ""))
    alive = known.holder.until > scene.clock()
    if scene.inputs.dry_run or (alive and scene.github.cancel(known.holder.run)):
        return ASKED.format(run=run, title=title)
    if not runs.forget(known, scene.remote, scene.temp):
        return BUSY.format(run=run, title=title)
    return GONE.format(run=run, title=title, more=scene.words.spoken(GO_ON)).rstrip("; ")


def _status(scene: Scene) -> str:
    where = _where(scene)
    at_work = runs.at_work(where, scene.remote, scene.temp)
    if at_work:
        return "\n\n".join(_working(scene, known) for known in at_work)
    before = runs.recorded(where, scene.remote, scene.temp)
    if not before:
        return f"{QUIET} No run has left a record of #{where.number}."
    last = before[-1]
    found = runs.record(last.key, scene.remote, scene.temp)
    lines = [f"{QUIET} The last run was {_title(last)}, {runs.time(last.at)}.", *_known(scene, last, found)]
    return "\n\n".join(lines)


def _working(scene: Scene, known: Known) -> str:
    holder, now = known.holder, scene.clock()
    if holder.until > now:
        head = f"⏳ **At work:** {_title(known)} in {_run(scene, known)}, since {runs.time(holder.since)}."
    else:
        head = (
            f"🔴 **The runner is gone:** {_title(known)} in {_run(scene, known)} was to give a sign of life until "
            f"{runs.time(holder.until)}. {scene.words.spoken(LOCKED)}The same run started again goes on."
        )
    return "\n\n".join([head, *_known(scene, known, runs.record(known.key, scene.remote, scene.temp))])


def _known(scene: Scene, known: Known, found: Recorded) -> list[str]:
    """What the record tells: how it ended, the last attempt, what is spent."""
    reason = next((r for r in Reason if r.word == found.result.get("reason")), None)
    lines = [f"**{reason.sentence}** {inert(str(found.result.get('detail') or ''), 500)}".rstrip()] if reason else []
    judged, head = found.judged, found.head
    most = head.settings if head else scene.settings
    if judged:
        last = judged[-1]
        checks = " ".join(f"{name}={status}" for name, status in last.checks.items())
        lines.append(
            f"Attempt {last.attempt} of {most.attempts} was the last: {code(last.decision)}, {code(checks)}, "
            f"{code(last.commit[:9])}."
        )
    else:
        lines.append("No attempt has been judged yet." if reason is None else "No attempt was judged.")
    used = found.used
    lines.append(
        f"Spent: {calls(used)}, {used.input:,} tokens in, {used.output:,} out, {money(used)}; at most "
        f"{most.max_tokens:,} tokens, ${most.max_cost:.2f}."
    )
    if known.branch and judged:
        lines.append(f"Branch: {code(known.branch)}")
    return lines


def _title(known: Known) -> str:
    return f"{code('/' + known.said.get('Command', ''))} for {inert(known.said.get('Requester', ''))}"
