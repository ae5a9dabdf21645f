"""The image: what its layers weigh, what fills them, whether two builds are the same, what an event not for us costs.

    make container-test && sudo .venv/bin/python bench/image.py [--again]

The image is brought up to date with the checkout first. `--again` builds once more from nothing, and compares every
file. Layers are weighed by gzip and as a release compresses them: zstd at level 19, some four minutes of a processor,
so on a busy machine a quarter of an hour; what is going on is said on standard error. Exits with 1 when a limit does
not hold, and says which.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "tests")]

from not_for_us import EVENT  # noqa: E402

from container.run import BASE, IMAGE, build_command, container, store  # noqa: E402 - it is beside the tests

MOST = 80.0  # MB of our own layers, compressed
SLOWEST = 0.3  # seconds more than `true` in the same image
RUNS = 11
AGAIN = "localhost/greenloop:again"


def output(*argv: str) -> str:
    return subprocess.run(argv, check=True, capture_output=True, text=True).stdout.strip()


@contextmanager
def mounted(image: str) -> Iterator[Path]:
    made = output("buildah", *store(), "from", "--pull-never", image)
    try:
        yield Path(output("buildah", *store(), "mount", made))
    finally:
        output("buildah", *store(), "rm", made)


def doing(what: str) -> None:
    print(f"-- {what}", file=sys.stderr, flush=True)


def layers() -> list[tuple[float, float]]:
    """Our own layers, the base's left out: MB by gzip, and as a release compresses them."""
    found = []
    with TemporaryDirectory(dir="/var/tmp") as folder:
        for image, name in ((BASE, "base"), (IMAGE, "ours")):
            doing(f"compressing the layers of {image} by gzip")
            output("buildah", *store(), "push", "--format", "oci", image, f"oci:{folder}/{name}:x")
        base, ours = (_blobs(Path(folder) / name) for name in ("base", "ours"))
        for path in ours[len(base) :]:
            gzip = path.stat().st_size / 1e6
            doing(f"compressing a layer of {gzip:.1f} MB by zstd")
            found.append((gzip, _zstd(path) / 1e6))
            print("layer: {:.1f} MB by gzip, {:.1f} MB by zstd".format(*found[-1]), flush=True)
    return found


def _blobs(folder: Path) -> list[Path]:
    blobs = folder / "blobs/sha256"
    index = json.loads((folder / "index.json").read_bytes())
    manifest = json.loads((blobs / index["manifests"][0]["digest"][7:]).read_bytes())
    return [blobs / layer["digest"][7:] for layer in manifest["layers"]]


def _zstd(blob: Path) -> int:
    with subprocess.Popen(["gzip", "-dc", blob], stdout=subprocess.PIPE) as plain:
        done = subprocess.run(["zstd", "-19", "-T0", "-q", "-c"], stdin=plain.stdout, check=True, capture_output=True)
    return len(done.stdout)


def largest(root: Path) -> list[tuple[str, float]]:
    """The ten largest packages of ours, in MB as they lie there."""
    found: Counter[str] = Counter()
    home = root / "opt/greenloop"
    for path in home.rglob("*"):
        if path.is_file() and not path.is_symlink():
            parts = path.relative_to(home).parts
            found[parts[3] if "site-packages" in parts else "/".join(parts[:2])] += path.stat().st_size
    return [(name, size / 1e6) for name, size in found.most_common(10)]


def contents(root: Path) -> dict[str, str]:
    """Each file outside of the base's temporary ones: mode, owner, and what is in it or where it leads."""
    found = {}
    for path in sorted(root.rglob("*")):
        state, name = path.lstat(), str(path.relative_to(root))
        inside = str(path.readlink()) if path.is_symlink() else ""
        if path.is_file() and not path.is_symlink():
            inside = hashlib.sha256(path.read_bytes()).hexdigest()
        found[name] = f"{state.st_mode:o} {state.st_uid}:{state.st_gid} {inside}"
    return found


def differences() -> list[str]:
    doing("building once more, from nothing")
    output(*build_command(AGAIN, "--no-cache"))
    doing("comparing each file")
    with mounted(IMAGE) as one, mounted(AGAIN) as other:
        first, second = contents(one), contents(other)
    return sorted(name for name in first.keys() | second.keys() if first.get(name) != second.get(name))


def seconds_more() -> tuple[float, float]:
    """`true` in the image, and the step of an event that is not for us; they take turns."""
    doing(f"starting {2 * RUNS} containers")
    with TemporaryDirectory() as folder:
        (Path(folder) / "event.json").write_text(json.dumps(EVENT))
        given = ("-v", f"{folder}:/github/workflow", "-e", "GITHUB_EVENT_NAME=issue_comment")
        ours = (*given, "-e", "GITHUB_EVENT_PATH=/github/workflow/event.json")
        times: tuple[list[float], list[float]] = ([], [])
        for _ in range(RUNS):
            for kept, options in zip(times, ((*given, "--entrypoint", "true"), ours), strict=True):
                start = time.perf_counter()
                container(options=options).check_returncode()
                kept.append(time.perf_counter() - start)
    return median(times[0]), median(times[1])


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--again", action="store_true", help="build once more and compare")
    again = parser.parse_args().again
    doing("bringing the image up to date")
    output(*build_command(IMAGE))
    weights = layers()
    total = sum(zstd for _, zstd in weights)
    print(f"our layers: {sum(gzip for gzip, _ in weights):.1f} MB by gzip, {total:.1f} MB by zstd (at most {MOST:.0f})")
    with mounted(IMAGE) as root:
        for name, size in largest(root):
            print(f"  {size:6.1f} MB {name}")
    idle, ours = seconds_more()
    print(f"true {idle:.2f} s, not for us {ours:.2f} s: {ours - idle:.2f} s more (at most {SLOWEST})", flush=True)
    different = differences() if again else []
    if again:
        print(f"two builds: {len(different)} files differ {' '.join(different[:20])}".rstrip())
    wrong = broken(total, ours - idle, different)
    for words in wrong:
        print(f"FAILED: {words}")
    return int(bool(wrong))


def broken(total: float, more: float, different: list[str]) -> list[str]:
    """Each limit that does not hold."""
    found = [f"our own layers are {total:.1f} MB, and {MOST:.0f} are the most"] if total > MOST else []
    found += [f"not for us takes {more:.2f} s more than `true`, and {SLOWEST} are the most"] if more > SLOWEST else []
    return found + ([f"two builds of one commit differ in {len(different)} files"] if different else [])


if __name__ == "__main__":
    sys.exit(main())
