"""The house keeps its shape: imports point one way, one library has one home, everything stays small.

The tables are the architecture; `docs/architecture.md` says why.
"""

from __future__ import annotations

import ast
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

PACKAGE = Path(__file__).resolve().parents[1] / "bot" / "greenloop"

# from top to bottom: a module imports from its own layer and from those below it; what is not named here is a helper
LAYERS = {
    "doors": "__main__ cli confined demo doors tuning web",
    "composition": "action app comparing service",
    "commands": "commands",
    "engine": "engine",
    "adapters": "checks environment forge lookups model retrieval sandbox workspace",
    "helpers": "",
    "contract": "ports setting_values settings",
    "values": "domain errors",
}
# adapters are side by side and do not know each other
APART = LAYERS["adapters"].split()
# decided before they exist
LATER = {"tuning", "web"}

# third-party library → the place that knows it; what is not here is imported nowhere
HOMES = {
    "defusedxml": "checks",
    "git": "workspace",
    "github": "forge.github",
    "huggingface_hub": "model.local.hub",
    "httpx": "model environment.network environment.advisories",  # the model's side, and the packages': apart
    "litellm": "model",
    "packaging": "environment",
    "pydantic": "configuration",
    "pytest": "checks.loader checks.reporter checks.ran",
    "qdrant_client": "retrieval.vectors",
    "rich": "forge.terminal",
    "ruff": "checks.ruff",
    "torch": "model.own_embeddings",
    "safetensors": "model.own_embeddings",
    "transformers": "model.own_embeddings",
    "tree_sitter": "source.grammars retrieval.languages",  # what a text is made of, and which pieces that gives
    "uv": "environment",
    "yaml": "yaml_document",
}

# the distribution that brings it, where the name differs
DISTRIBUTIONS = {"git": "GitPython", "github": "PyGithub", "yaml": "PyYAML"}

LINES = 260
LONGER = {
    "checks/reporter.py": 510,  # laid alone into a folder, so it is one file
    "ports.py": 420,  # the whole contract, to be read on one page
    "settings.py": 340,  # every option with its words: the one place where they stand
}
FUNCTION = 50
# the functions that may catch everything; each one passes on what it caught
BROAD = {
    "model.tokens._own": "to an estimate in its place: tokenizers raises nothing narrower for a file it cannot read",
    "action.step._ended": "to the log, the summary and the exit code of the step",
    "engine.calls._ask": "to the thread that waits for the answers",
    "checks._run": "to the thread that waits for it",
    "sandbox.cells._flush": "nobody: a cell has closed its own output",
    "sandbox.cells._told": "to the cell's answer, as an exception whose text cannot be made",
    "sandbox.cells.evaluate": "to the cell's answer",
    "sandbox.repl._follow": "to the thread that waits for the cell",
    "model.providers._pieces": "litellm raises what its many providers raise: becomes a fault of ours",
    "model.providers.warm": "to the first call, which meets it again",
}


def modules() -> dict[str, ast.Module]:
    """Every module of the package by its name within it, such as `checks.ruff`; a package by its own."""
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        inside = path.relative_to(PACKAGE)
        if inside.parts[:2] != ("demo", "project"):  # what the demo works on is not ours
            name = ".".join(inside.with_suffix("").parts).removesuffix("__init__").rstrip(".")
            found[name or "__init__"] = ast.parse(path.read_text(), filename=str(inside))
    return found


MODULES = modules()


def imports(tree: ast.Module) -> Iterator[str]:
    """Full names of what is imported anywhere in it; `from greenloop import app` is `greenloop.app`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"line {node.lineno}: our imports are absolute"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def ours(tree: ast.Module) -> set[str]:
    """The parts of the package (`checks`, `judge`) that it imports."""
    names = (name.split(".") for name in imports(tree))
    return {parts[1] for parts in names if parts[0] == "greenloop" and parts[1] != "__version__"}


def test_the_table_names_what_exists() -> None:
    placed = " ".join(LAYERS.values()).split()
    assert len(placed) == len(set(placed))
    assert set(placed) - {name.split(".")[0] for name in MODULES} == LATER


def test_imports_point_downwards() -> None:
    order = list(LAYERS)
    level = {part: depth for depth, parts in enumerate(LAYERS.values()) for part in parts.split()}
    helper, wrong = order.index("helpers"), []
    for name, tree in MODULES.items():
        part = name.split(".")[0]
        if part == "__init__":
            assert ours(tree) == set()  # `--version` imports it, and nothing else
        for other in ours(tree) - {part}:
            above, below = level.get(part, helper), level.get(other, helper)
            if above > below or (part in APART and other in APART):
                wrong.append(f"{name} ({order[above]}) imports {other} ({order[below]})")
    assert not wrong, "\n".join(wrong)


def test_each_library_has_one_home() -> None:
    wrong = []
    for name, tree in MODULES.items():
        libraries = {imported.split(".")[0] for imported in imports(tree)} - {"greenloop"} - sys.stdlib_module_names
        for library in libraries:
            homes = HOMES.get(library, "").split()
            if not any(f"{name}.".startswith(f"{home}.") for home in homes):
                wrong.append(f"{name} imports {library}, whose home is {' and '.join(homes) or 'nowhere'}")
    assert not wrong, "\n".join(wrong)


def test_what_is_imported_is_a_dependency_of_ours() -> None:
    """A library that only another one brings along may be gone with its next release."""
    project = tomllib.loads((PACKAGE.parents[1] / "pyproject.toml").read_text())["project"]
    asked = [*project["dependencies"], *(text for extra in project["optional-dependencies"].values() for text in extra)]
    declared = {canonicalize_name(Requirement(text).name) for text in asked}
    used = {imported.split(".")[0] for tree in MODULES.values() for imported in imports(tree)} & set(HOMES)
    assert {name for name in used if canonicalize_name(DISTRIBUTIONS.get(name, name)) not in declared} == set()


def test_files_and_functions_stay_small() -> None:
    wrong = []
    for path in sorted(PACKAGE.rglob("*.py")):
        inside = str(path.relative_to(PACKAGE))
        lines = len(path.read_text().splitlines())
        if lines > LONGER.get(inside, LINES):
            wrong.append(f"{inside} has {lines} lines")
    for name, tree in MODULES.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = (node.end_lineno or node.lineno) - node.lineno + 1
                if lines > FUNCTION:
                    wrong.append(f"{name}.{node.name} has {lines} lines")
    assert not wrong, "\n".join(wrong)


def broad(node: ast.AST) -> bool:
    """Whether it swallows every error: a handler that ends in `raise` only cleans up."""
    everything = {"Exception", "BaseException"}
    if isinstance(node, ast.ExceptHandler):
        kinds = {n.id for n in ast.walk(node.type) if isinstance(n, ast.Name)} if node.type else everything
        last = node.body[-1]
        return bool(kinds & everything) and not (isinstance(last, ast.Raise) and last.exc is None)
    if isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] == "suppress":
        return any(isinstance(argument, ast.Name) and argument.id in everything for argument in node.args)
    return False


def test_no_error_is_swallowed() -> None:
    found: dict[str, int] = {}
    for name, tree in MODULES.items():
        functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
        for node in filter(broad, ast.walk(tree)):
            around = [f.name for f in functions if node in ast.walk(f)]
            found[f"{name}.{around[-1] if around else '(module)'}"] = getattr(node, "lineno", 0)
    assert set(found) == set(BROAD), found
