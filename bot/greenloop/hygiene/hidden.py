"""What people do not see is not read to a model either: Markdown as GitHub shows it, without what it hides. Pure.

Comments, attributes, alternative texts, link definitions, notes that nothing refers to, style sheets, and characters
without a shape. Where it is not plain that
something is code, it is not: at worst a comment inside of it is lost.
"""

from __future__ import annotations

import re
import unicodedata
from functools import partial

IMAGE = "[image]"
OPEN, SHUT = "[a collapsed block begins]", "[the collapsed block ends]"

_RAW = re.compile(r"(?i)<(pre|script|style|textarea)\b")
_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)|<\?.*?(?:\?>|\Z)|<!\[CDATA\[.*?(?:\]\]>|\Z)|<![A-Za-z].*?(?:>|\Z)", re.DOTALL)
_SHEET = re.compile(r"<(style|script)\b.*?(?:</\1\s*>|\Z)", re.DOTALL | re.IGNORECASE)
_NOTE = re.compile(r"^ {0,3}\[\^([^\]\s]+)\]:.*(?:\n(?:[ \t]+.*|[ \t]*(?=\n[ \t]+\S)))*", re.MULTILINE)
_HIDDEN = re.compile(
    rf"""(?P<comment>{_COMMENT.pattern})
      |(?P<fence>^[ ]{{0,3}}(?P<mark>`{{3,}}(?=[^`\n]*$)|~{{3,}})[^\n]*\n.*?(?:^[ ]{{0,3}}(?P=mark)[`~]*[ \t]*$|\Z))
      |(?P<code>(?P<ticks>`+)(?!`)[^\n]+?(?<!`)(?P=ticks)(?!`))
      |(?P<definition>^[ ]{{0,3}}\[(?!\^)[^\]\n]+\]:[^\n]*(?:\n[ \t]+["'(][^\n]*)?$)
      |(?P<image>!\[(?:[^\[\]]|\[[^\[\]]*\])*\](?:\([^)]*\)|\[[^\]]*\])?)
      |(?P<title>(?<=\]\()(?P<address>[^\s()]+)[ \t\n]+(?:"[^"]*"|'[^']*'|\([^)]*\))[ \t\n]*(?=\)))
      |(?P<tag></?[A-Za-z][A-Za-z0-9-]*(?:\s[^<>]*|/)?>)
    """,
    re.VERBOSE | re.DOTALL | re.MULTILINE,
)
_PLAIN_TAG = re.compile(r"</?[A-Za-z0-9]{1,20}/?>")  # `List<int>`: too short to say anything to anybody
_WORDS = re.compile(  # of HTML, which GitHub does not show as they stand
    r"</?(?:a|abbr|b|blockquote|center|code|dd|del|div|dl|dt|em|font|h[1-8]|hr|i|ins|kbd|li|ol|p|pre|q|s|samp|script|small|"
    r"source|span|strike|strong|style|sub|summary|sup|table|tbody|td|textarea|tfoot|th|thead|tr|tt|u|ul|var)\b"
)
_MARKS = 8  # on one letter; more than any script needs draw over the lines around it
_FLOOD = re.compile(
    rf"([\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]{{{_MARKS}}})"
    r"[\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]+"
)
_LAZY = re.compile(r" {0,3}(?:[>#|]|[-*+](?:\s|$)|\d{1,9}[.)]\s|`{3}|~{3})|\s*$")
_BLANK = re.compile(r"\n[ \t]*\n")
_LINES = re.compile(r"\n{3,}")
_JOINERS = "\u200c\u200d"  # shape letters of some scripts, and join emoji
_SELECTORS = "\ufe0e\ufe0f"
# blank to the eye, and no blank to a program
_FILLERS = frozenset("\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")


def visible(text: str) -> str:
    """Markdown without what its reader does not see; a collapsed block is marked as one."""
    shown = _NOTE.sub(partial(_noted, text), _marked_up(_SHEET.sub("", characters(text))))
    return _continued(_LINES.sub("\n\n", shown).strip())


def characters(text: str) -> str:
    """Any text without characters that have no shape: zero-width, bidirectional, tags, fillers, other controls."""
    if text.isascii() and text.isprintable():
        return text
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    kept: list[str] = []
    for sign in text:
        if shaped(sign, kept[-1] if kept else ""):
            kept.append(sign)
    return _FLOOD.sub(r"\1", "".join(kept)) if len(kept) > _MARKS else "".join(kept)


def _continued(text: str) -> str:
    """Lines that a page shows as the rest of a quotation are marked as the lines before them."""
    lines, open_ = text.split("\n"), False
    for number, line in enumerate(lines):
        if line.lstrip(" ").startswith(">"):
            open_ = bool(line.strip(" >"))
        elif open_ and not _LAZY.match(line):
            lines[number] = f"> {line}"
        else:
            open_ = False
    return "\n".join(lines)


def shaped(sign: str, before: str) -> bool:
    """Whether a reader sees it, or what it does to the sign before."""
    if sign in "\n\t" or " " <= sign <= "~":
        return True
    if sign in _FILLERS or "\ufe00" <= sign <= "\ufe0d" or "\U000e0100" <= sign <= "\U000e01ef":
        return False
    if sign in _SELECTORS or sign in _JOINERS:  # once, and after signs that they can be about
        about = before > "~" and unicodedata.category(before)[0] in "LMS"
        return about and not (sign in _SELECTORS and before in _SELECTORS)
    return unicodedata.category(sign) not in {"Cf", "Cc", "Cs", "Co", "Zl", "Zp"}


def _marked_up(text: str) -> str:
    if _RAW.search(text):  # blocks in which a fence is none
        return _HIDDEN.sub(lambda found: _replaced(found, fences=False), text)
    return _HIDDEN.sub(lambda found: _replaced(found, fences=_begins_block(text, found.start())), text)


def _noted(text: str, found: re.Match[str]) -> str:
    """A note stays where something refers to it."""
    return found[0] if len(re.findall(rf"\[\^{re.escape(found[1])}\](?!:)", text)) else ""


def _begins_block(text: str, at: int) -> bool:
    """Whether no block of HTML is open there: one begins with `<` and goes on to a blank line."""
    paragraph = _BLANK.split(text[:at])[-1]
    return not any(line.lstrip(" \t>").startswith("<") for line in paragraph.split("\n"))


def _replaced(found: re.Match[str], *, fences: bool) -> str:
    whole = found[0]
    if found["fence"] is not None:
        return whole if fences else _COMMENT.sub("", whole)
    if found["code"] is not None:
        return whole
    if found["image"] is not None:
        return IMAGE
    if found["title"] is not None:
        return found["address"]
    return _tag(whole) if found["tag"] is not None else ""


def _tag(whole: str) -> str:
    name = re.sub(r"[^a-z0-9-].*", "", whole.lower().lstrip("</"), flags=re.DOTALL)
    if name in {"img", "picture", "video"}:
        return "" if whole.startswith("</") else IMAGE
    if name == "details":
        return f"\n{SHUT}\n" if whole.startswith("</") else f"\n{OPEN}\n"
    if name == "br":
        return "\n"
    return whole if _PLAIN_TAG.fullmatch(whole) and not _WORDS.match(whole.lower()) else ""
