"""What would act in a prompt without being seen, in another guise; and an answer with what was meant. Pure.

Servers make tokens of their template wherever such words stand in a text, so these are blunted. Files are quoted letter
by letter, so that edits fit: signs without a shape are named in them instead of being taken out.
"""

from __future__ import annotations

import re

from greenloop.hygiene.hidden import shaped

_BAR = "\u00a6"  # behind the bracket; nobody's template has it there
_TOKEN = re.compile(
    r"""(?P<open>[<\[])(?P<rest>
         /?[|\uff5c](?:(?=[\w/\u2581])|[ \t]+[\w/\u2581 -]{1,60}[|\uff5c]>)  # <|im_start|>, and those of DeepSeek
        |/?(?:INST|SYSTEM_PROMPT|AVAILABLE_TOOLS|TOOL_(?:CALLS|RESULTS|CONTENT)|IMG|PREFIX|SUFFIX|MIDDLE)\]  # Mistral
        |</?SYS>>                                                        # Llama 2
        |/?(?:s|bos|eos|pad|unk|mask|start_of_turn|end_of_turn|start_of_image|unused\d{1,3})>
        |/?(?:tool_call|tool_response|tool_result|function_results?|function_calls?|think)>
        |(?:fim_(?:prefix|suffix|middle|pad)|endoftext|file_sep|repo_name|reponame|issue_(?:start|comment|closed))>
       )""",
    re.VERBOSE,
)
_BLUNTED = re.compile(rf"([<\[]){_BAR}(?=[|\uff5c/<A-Za-z])")
_CONTROL = re.compile(r"[^\t\n\r\f -~]|\r(?!\n)")
_NAMED = re.compile(r"\u27e6U\+([0-9A-F]{4,6})\u27e7")


def blunted(text: str) -> str:
    """Without a word that a server takes for the frame of the conversation."""
    return _TOKEN.sub(rf"\g<open>{_BAR}\g<rest>", text)


def named(text: str) -> str:
    """A file's text with the signs in it that nobody sees written as `⟦U+202E⟧`."""
    if text.isascii() and not _CONTROL.search(text):
        return text
    kept, before = list[str](), ""
    for sign, after in zip(text, f"{text[1:]}\n", strict=True):
        seen = sign == "\f" or (sign + after == "\r\n") or shaped(sign, before)
        kept.append(sign if seen else f"\u27e6U+{ord(sign):04X}\u27e7")
        before = sign if seen else before
    return "".join(kept)


def meant(answer: str) -> str:
    """An answer as it is to be read: what stood in the prompt in another guise, as it stands in the files."""
    return _NAMED.sub(_sign, _BLUNTED.sub(r"\1", answer))


def _sign(found: re.Match[str]) -> str:
    number = int(found[1], 16)
    text = number <= 0x10FFFF and not 0xD800 <= number <= 0xDFFF
    return chr(number) if text and not shaped(chr(number), "") else found[0]
