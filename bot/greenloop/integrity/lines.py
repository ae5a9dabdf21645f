"""The lines of a Python file without the words of its texts, so that a comment is a comment and nothing else is."""

from __future__ import annotations

import io
import re
import tokenize

_TEXT = re.compile(r"\"(?:\\.|[^\"\\])*\"|'(?:\\.|[^'\\])*'")
_TEXTS = {tokenize.STRING, getattr(tokenize, "FSTRING_MIDDLE", tokenize.STRING)}


def without_texts(line: str) -> str:
    """One line of any language, roughly: what stands in quotes on it is gone."""
    return _TEXT.sub('""', line[:2000])


def commented(text: str) -> list[str]:
    """Line by line as git counts them; text literals are emptied by the tokenizer, comments stay whole. A file that
    cannot be read so is given as it is, line by line without what stands in quotes."""
    lines = text.split("\n")
    try:
        tokens = list(tokenize.generate_tokens(io.StringIO(text, newline="\n").readline))
    except (tokenize.TokenError, SyntaxError, ValueError):
        return [without_texts(line) for line in lines]
    shown = [list(line) for line in lines]
    for token in tokens:
        if token.type in _TEXTS:
            (first, start), (last, end) = token.start, token.end
            for number in range(first, min(last, len(shown)) + 1):
                row = shown[number - 1]
                a, b = (start if number == first else 0), (end if number == last else len(row))
                row[a:b] = " " * (min(b, len(row)) - a)
    return ["".join(row) for row in shown]
