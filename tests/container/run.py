"""The image, built and run as a hosted runner does it, on a machine without a Docker daemon. A program, not a test.

    make container-test        (Linux, root; a few minutes the first time, then one)
    make container-test CONTAINER=--docker        (the same where Docker is, from the bases that the Dockerfile names)

The base is made by debootstrap, for there is no registry here; the image by buildah from our Dockerfile; the container
by podman and runc with the capabilities and the seccomp profile that Docker has by default. In it:
`greenloop demo`, the attacks on the sandbox, then one `/generate` on an issue of a GitHub on loopback.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "greenloop-container"
MIRROR = os.environ.get("DEBIAN_MIRROR", "http://deb.debian.org/debian")
CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
PROGRAMS = {"debootstrap": "debootstrap", "podman": "podman", "buildah": "buildah", "runc": "runc"}
# Debian 12 has the Python that the image needs; the profile comes from a release that knows of today's system calls
SUITE, PROFILE_SUITE, PROFILE_PACKAGE = "bookworm", "trixie", "golang-github-docker-docker-dev"
PROFILE = "./usr/share/gocode/src/github.com/docker/docker/profiles/seccomp/default.json"
BASE, IMAGE = "localhost/greenloop-base:bookworm-slim", "localhost/greenloop:test"
# what Docker's own slim base leaves out, also of packages that come later
SLIM = """path-exclude /usr/share/doc/*
path-include /usr/share/doc/*/copyright
path-exclude /usr/share/man/*
path-exclude /usr/share/locale/*
path-exclude /usr/share/info/*
path-exclude /usr/share/lintian/*
"""
# what Docker gives to a container that asks for nothing
CAPABILITIES = (
    "AUDIT_WRITE,CHOWN,DAC_OVERRIDE,FOWNER,FSETID,KILL,MKNOD,NET_BIND_SERVICE,NET_RAW,SETFCAP,SETGID,SETPCAP,SETUID,"
    "SYS_CHROOT"
)


Container = Callable[..., subprocess.CompletedProcess[str]]


def say(text: str) -> None:
    sys.stdout.write(f"== {text}\n")
    sys.stdout.flush()


def run(*argv: str | Path, cwd: Path | None = None) -> None:
    subprocess.run([str(word) for word in argv], check=True, cwd=cwd)


def store() -> list[str]:
    """Images in a folder of their own, not among the user's."""
    return ["--root", str(CACHE / "store"), "--runroot", str(CACHE / "run"), "--storage-driver", "overlay"]


def programs() -> None:
    missing = sorted(package for program, package in PROGRAMS.items() if shutil.which(program) is None)
    if os.geteuid() != 0:
        raise SystemExit("container-test: making a base image needs root. Run it as root, on a machine of its own.")
    if missing and shutil.which("apt-get") is None:
        raise SystemExit(f"container-test: {', '.join(missing)} missing, and there is no apt-get to install it with.")
    if missing:
        say(f"installing {', '.join(missing)}")
        run("apt-get", "update", "-qq")
        run("apt-get", "install", "-qq", "-y", "--no-install-recommends", "uidmap", "debian-archive-keyring", *missing)


def base() -> None:
    """As small as a Docker Hub base: Python and certificates, no git; the Dockerfile installs that."""
    if subprocess.run(["podman", *store(), "image", "exists", BASE], check=False).returncode == 0:
        return
    say("making the base image")
    root = CACHE / "rootfs"
    shutil.rmtree(root, ignore_errors=True)
    packages = "python3,python3-venv,python3-pip,ca-certificates"
    run("debootstrap", "--variant=minbase", f"--include={packages}", SUITE, root, MIRROR)
    (root / "etc/dpkg/dpkg.cfg.d/docker").write_text(SLIM)
    archive = CACHE / "rootfs.tar"
    run("tar", "-C", root, "-cf", archive, "--exclude=./var/cache/apt/archives/*.deb", ".")
    run("podman", *store(), "import", archive, BASE)
    archive.unlink()
    shutil.rmtree(root)


def build_command(image: str, *options: str) -> list[str]:
    # where a proxy signs anew, the build has to know it as well
    mount = ["-v", f"{CERTIFICATES}:{CERTIFICATES}:ro"] if CERTIFICATES.is_file() else []
    # the target `gpu` is built along: on the same base, for there is no other here
    bases = [word for name in ("BASE_IMAGE", "GPU_BASE_IMAGE") for word in ("--build-arg", f"{name}={BASE}")]
    words = ["--isolation", "chroot", "--network", "host", "--layers", *bases, *mount]
    return ["buildah", *store(), "bud", *words, *options, "-t", image, str(ROOT)]


def build() -> None:
    say("building the image")
    run(*build_command(IMAGE))


def profile() -> Path:
    """Docker's default seccomp profile. apt checks the signature."""
    target = CACHE / "seccomp.json"
    if target.is_file():
        return target
    say("fetching Docker's seccomp profile")
    folder = CACHE / "apt"
    for name in ("lists/partial", "cache/archives/partial"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    keyring = "/usr/share/keyrings/debian-archive-keyring.gpg"
    (folder / "sources.list").write_text(f"deb [signed-by={keyring}] {MIRROR} {PROFILE_SUITE} main\n")
    settings = {
        "Dir::Etc::sourcelist": folder / "sources.list",
        "Dir::Etc::sourceparts": "/dev/null",
        "Dir::State::lists": folder / "lists",
        "Dir::Cache": folder / "cache",
        "APT::Sandbox::User": "root",
    }
    options = [word for name, value in settings.items() for word in ("-o", f"{name}={value}")]
    run("apt-get", *options, "-qq", "update", cwd=folder)
    run("apt-get", *options, "-qq", "download", PROFILE_PACKAGE, cwd=folder)
    package = next(folder.glob(f"{PROFILE_PACKAGE}_*.deb"))
    files = subprocess.run(["dpkg-deb", "--fsys-tarfile", package], check=True, capture_output=True).stdout
    text = subprocess.run(["tar", "-xOf", "-", PROFILE], input=files, check=True, capture_output=True).stdout
    target.write_bytes(text)
    return target


def container(*words: str, options: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
    """One container; its limits are named because podman's own need more than this machine may give."""
    limits = ["--ulimit", "nofile=1024:1024", "--ulimit", "nproc=1000:1000", "--network", "host"]
    confined = ["--cap-drop=ALL", f"--cap-add={CAPABILITIES}", "--security-opt", f"seccomp={profile()}"]
    argv = ["podman", *store(), "run", "--rm", "--runtime", shutil.which("runc") or "runc", *limits, *confined]
    return subprocess.run([*argv, *options, IMAGE, *words], check=False, capture_output=True, text=True)


def by_docker(*words: str, options: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
    """One container as Docker starts it by itself: its own capabilities and profile."""
    argv = ["docker", "run", "--rm", "--network", "host", *options, IMAGE, *words]
    return subprocess.run(argv, check=False, capture_output=True, text=True)


def demo(container: Container) -> None:
    say("greenloop demo")
    done = container("demo", options=("--entrypoint", "/opt/greenloop/bin/greenloop"))
    if done.returncode or "greenloop: green: " not in done.stderr:
        raise SystemExit(f"the demo ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    say(done.stderr.strip().splitlines()[-1])


def attacks(container: Container) -> None:
    """The same table as `make attacks`, under Docker's profile: only the fresh user is left there."""
    say("attacks")
    words = ("-P", "/tests/sandbox/table.py", "--ways", "uid")
    mounts = ("-v", f"{ROOT / 'tests'}:/tests:ro", "--entrypoint", "/opt/greenloop/bin/python")
    done = container(*words, options=mounts)
    sys.stdout.write(done.stdout)
    if done.returncode:
        raise SystemExit(f"the attacks ended with {done.returncode}: {done.stderr}")


def made() -> Container:
    """The image, from nothing but this checkout and Debian; and how a container of it is started."""
    programs()
    CACHE.mkdir(parents=True, exist_ok=True)
    base()
    build()
    return container


def made_by_docker() -> Container:
    say("building the image with Docker")
    run("docker", "build", "--tag", IMAGE, ROOT)
    return by_docker


def main(words: list[str]) -> None:
    if words not in ([], ["--docker"]):
        raise SystemExit(f"container-test: {' '.join(words)} is none of its words; there is --docker.")
    start = made_by_docker() if words else made()
    demo(start)
    attacks(start)
    from container import generate  # noqa: PLC0415 - needs the checkout's .venv

    say("/generate on an issue")
    generate.check(start)
    say("passed")


if __name__ == "__main__":
    sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "bot")]
    main(sys.argv[1:])
