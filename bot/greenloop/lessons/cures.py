"""How the commonest findings of ruff and bandit are mended, one line each. Silencing is never a cure."""

from __future__ import annotations

_RUFF = {
    "B006": "Default to None and make the value inside the function.",
    "B008": "Default to None and call inside the function.",
    "B904": "Raise with `from error`, or `from None`.",
    "E501": "Break the line.",
    "E711": "Compare with `is None`.",
    "E712": "Test the truth of the value itself.",
    "E721": "Use `isinstance`, or `is` between types.",
    "E722": "Name the exception that is expected.",
    "E741": "Choose a longer name.",
    "F401": "Remove the unused import.",
    "F403": "Import the names that are used.",
    "F405": "Import the name itself.",
    "F541": "Drop the `f` in front of the text.",
    "F811": "Remove or rename one of the two definitions.",
    "F821": "Define or import the name.",
    "F841": "Remove the variable, or use it.",
    "I001": "Sort the imports: standard library, third party, own.",
    "W291": "Remove the space at the end of the line.",
    "W292": "End the file with a newline.",
}
_BANDIT = {
    "B101": "Raise an exception: `assert` is removed when Python optimises.",
    "B102": "Do without `exec`.",
    "B103": "Give only the owner the right to write and run.",
    "B104": "Bind to 127.0.0.1, or let the caller choose.",
    "B105": "Read the secret from the environment.",
    "B106": "Read the secret from the environment.",
    "B107": "Read the secret from the environment.",
    "B108": "Use `tempfile`.",
    "B110": "Handle the exception, or name the one that is expected.",
    "B112": "Handle the exception, or name the one that is expected.",
    "B113": "Pass `timeout=` to the request.",
    "B201": "Run without debug mode.",
    "B301": "Use `json`: unpickling runs what it reads.",
    "B303": "Use `hashlib.sha256`.",
    "B307": "Use `ast.literal_eval`.",
    "B310": "Allow only `https:` addresses before opening.",
    "B311": "Use `secrets` where the number has to be unguessable.",
    "B314": "Use `defusedxml`.",
    "B324": "Use `hashlib.sha256`, or pass `usedforsecurity=False`.",
    "B501": "Leave certificate checks on.",
    "B506": "Use `yaml.safe_load`.",
    "B602": "Pass a list of words and no `shell=True`.",
    "B604": "Pass a list of words and no `shell=True`.",
    "B605": "Use `subprocess.run` with a list of words.",
    "B607": "Give the full path of the program.",
    "B608": "Pass values as parameters of the query.",
    "B701": "Switch autoescape on.",
}


def cure(check: str, rule: str) -> str:
    """What to do about a rule, or ""."""
    if check == "bandit":
        return _BANDIT.get(rule, "")
    if check != "ruff":
        return ""
    return _RUFF.get(rule) or (_BANDIT.get(f"B{rule[1:]}", "") if rule.startswith("S") else "")
