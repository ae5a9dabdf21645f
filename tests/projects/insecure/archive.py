"""Packs a folder into an archive."""

import subprocess
import os


def pack(folder, name):
    """Make `name` of what is in `folder`."""
    subprocess.run(f"tar -cf {name} -C {folder} .", shell=True, check=True)
    return name
