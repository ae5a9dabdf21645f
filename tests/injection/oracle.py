"""What is wrong with a prompt, and what is alive in a text that GitHub renders. Written against what GitHub and servers
of models are said to do, without a line of the code that is held to it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import cache
from html.parser import HTMLParser

from markdown_it import MarkdownIt
from markdown_it.token import Token

_MARKDOWN = MarkdownIt("commonmark").enable(["table", "strikethrough"])
_parsed = cache(_MARKDOWN.parse)
_FILLERS = "\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0"
TEMPLATE = re.compile(
    "<\uff5c[^\uff5c<>\n]{1,40}\uff5c>"
    r"|<\|[^|<>\n]{1,40}\|>|\[/?(?:INST|SYSTEM_PROMPT|AVAILABLE_TOOLS|TOOL_CALLS|TOOL_RESULTS)\]|<</?SYS>>"
    r"|</?(?:s|bos|eos|pad|unk|start_of_turn|end_of_turn|tool_call|tool_response)>"
)
_QUOTED = re.compile(r'<quoted-([0-9a-f]{16}) \w+="[^"\n]*">\n.*?\n</quoted-\1>', re.DOTALL)
_FILES = re.compile(r"(?m)^(?P<path>[^\n]+)\n(?P<fence>`{3,})\n.*?^(?P=fence)$", re.DOTALL)

_MENTION = re.compile(r"(?<![\w`])@[A-Za-z0-9]")
_REFERENCE = re.compile(r"(?i)(?:^|[^\w&])(?:[\w.-]+(?:/[\w.-]+)?)?#\d|\bGH-\d")
_ADDRESS = re.compile(r"(?i)https?://\S|\bwww\.\w|\w@\w+\.\w")
_CLOSES = re.compile(r"(?i)\b(?:close[sd]?|fix(?:e[sd])?|resolve[sd]?):?\s+(?:[\w.-]+/[\w.-]+)?(?:#\d|GH-\d|https?://)")
_MATH = re.compile(r"\$[^\s$][^$\n]*[^\s$]\$|\$\$")
_SLASH = re.compile(r"(?m)^\s*/[a-z][\w-]*(?:\s|$)")
_SKIPS = re.compile(r"(?i)\[(?:skip|no)[ -](?:ci|actions)\]|\[(?:ci|actions)[ -]skip\]|\*\*\*NO_CI\*\*\*|^skip-checks:")
_OWN_LINK = re.compile(r"/[\w.-]+/[\w.-]+/(?:blob|pull|actions|compare)/")  # without the host
_OUTSIDE = re.compile(r"\\(?P<sign>[!-/:-@\[-`{-~])|(?P<ticks>`+)(?!`).*?(?<!`)(?P=ticks)(?!`)")
OURS = frozenset({"details", "summary", "code"})  # elements that we write ourselves


def hidden(text: str) -> list[str]:
    """Signs without a shape. Joiners and one selector belong to emoji and to letters of some scripts."""
    found, text = [], text.replace("\r\n", "\n")
    for before, sign in zip(" " + text, text, strict=False):
        odd = sign in _FILLERS or "\ufe00" <= sign <= "\ufe0d" or "\U000e0100" <= sign <= "\U000e01ef"
        shaping = sign in "\u200c\u200d\ufe0e\ufe0f" and before > "~"
        if odd or (unicodedata.category(sign) in {"Cf", "Cc", "Co", "Zl", "Zp"} and sign not in "\n\t" and not shaping):
            found.append(f"{ord(sign):x}")
    return found


def template(text: str) -> list[str]:
    """Tokens that a server would take for the frame of the conversation."""
    return TEMPLATE.findall(text)


def outside(prompt: str) -> str:
    """What of a prompt is neither quoted nor the text of a file."""
    return _FILES.sub("", _QUOTED.sub("", prompt))


class _Page(HTMLParser):
    """What a reader of a page sees, and what stands in it beside text."""

    def __init__(self) -> None:
        super().__init__()
        self.shown: list[str] = []
        self.tags: list[str] = []
        self.skip = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag if tag not in OURS or not attrs else f"{tag} {attrs}")
        self.skip += tag in {"style", "script", "textarea", "title"}

    def handle_endtag(self, tag: str) -> None:
        self.skip -= tag in {"style", "script", "textarea", "title"} and self.skip > 0

    def handle_data(self, data: str) -> None:
        if not self.skip:
            self.shown.append(data)


def seen(markdown: str) -> str:
    """The words that a page shows of it. GitHub shows no footnote that nothing refers to."""
    notes = re.findall(r"(?m)^\[\^([^\]]+)\]:", markdown)
    for note in notes:
        if markdown.count(f"[^{note}]") == 1:
            markdown = re.sub(rf"(?m)^\[\^{re.escape(note)}\]:.*(?:\n[ \t]+.*)*", "", markdown)
    read = _Page()
    read.feed(_MARKDOWN.render(markdown))
    return "".join(sign for sign in "".join(read.shown) if not hidden(sign))


def alive(markdown: str, own: str) -> list[str]:
    """What does something where it is rendered, beside links to `own`, our own elements and our own marker."""
    text = _without_ours(markdown, own)
    found = [f"a slash command: {line!r}" for line in _SLASH.findall(text)]
    for token in _flat(_parsed(text)):
        found += _wrong(token)
    return found + [f"a footnote: {note}" for note in re.findall(r"\[\^\w+", source(markdown, own))]


def _without_ours(markdown: str, own: str) -> str:
    text = re.sub(r"\A<!-- greenloop:run=[\w.-]+ -->\n", "", markdown.replace(own, ""))
    return re.sub(r"(?m)^(?:Closes|Goes on from) #\d+\.?$", "", text)


def source(markdown: str, own: str) -> str:
    """What of it GitHub reads as Markdown: not what stands in code, and what is escaped as a sign that says nothing."""
    text = _without_ours(markdown, own)
    rows = text.splitlines()
    for token in _parsed(text):
        if token.type == "fence" and token.map:
            rows[token.map[0] : token.map[1]] = [""] * (token.map[1] - token.map[0])
    return _OUTSIDE.sub(lambda found: f"&{ord(found['sign'])};" if found["sign"] else "", "\n".join(rows))


def _flat(tokens: list[Token]) -> Iterator[Token]:
    for token in tokens:
        yield token
        yield from _flat(token.children or [])


def _wrong(token: Token) -> list[str]:
    if token.type in {"html_block", "html_inline"}:
        html = _Page()
        html.feed(token.content)
        bad = [tag for tag in html.tags if tag not in OURS]
        return [f"HTML: {token.content!r}"] if bad or "<!--" in token.content else []
    if token.type == "image":
        return [f"an image: {token.attrs}"]
    if token.type == "link_open" and not re.match(
        r"/[\w.-]+/[\w.-]+/(?:blob|pull|actions|compare)/", str(token.attrs.get("href", ""))
    ):
        return [f"a link: {token.attrs}"]
    return said(token.content) if token.type == "text" else []


def said(text: str) -> list[str]:
    """Of a text that stands as it is: a mention, a reference, an address, a closing word, mathematics."""
    patterns = {
        "a mention": _MENTION,
        "a reference": _REFERENCE,
        "an address": _ADDRESS,
        "a closing word": _CLOSES,
        "mathematics": _MATH,
    }
    return [f"{name}: {found[0]!r} in {text!r}" for name, p in patterns.items() if (found := p.search(text))]


def in_a_commit(message: str) -> list[str]:
    """A commit's message is no Markdown, but GitHub reads it: mentions, references, what keeps checks from running."""
    found = [f"it keeps checks from running: {line!r}" for line in message.splitlines() if _SKIPS.search(line)]
    body = re.sub(r"(?m)^(?:Co-authored|Signed-off)-by: .*$", "", message)
    return found + [wrong for wrong in said(body) if not wrong.startswith(("mathem", "an address"))]


def commands(log: str) -> list[str]:
    """Lines that the runner would obey, beside the masks, the last word and what is made of findings."""
    told = re.search(r"(?m)^::stop-commands::([0-9a-f]{32})$", log)
    if told is None:
        return ["nothing stops commands"]
    _, _, rest = log.partition(told[0])
    inside, end, after = rest.partition(f"\n::{told[1]}::\n")
    assert end, inside[-300:]
    ours = re.compile(r"::(?:error|warning|notice|add-mask)(?: [^:]*)?::.*")
    return [line for line in after.splitlines() if line.strip() and not ours.fullmatch(line)]
