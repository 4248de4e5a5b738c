#!/usr/bin/env python3
"""Find a Chromium or Google Chrome for the tests in a browser, or install Debian's.

    python3 scripts/find_chromium.py

prints its path on stdout. It is looked for on PATH and where macOS has it. If there is none, it
is installed with apt-get, as root or where sudo asks for no password. The browser that playwright
would download is not used: it is not there behind every firewall. Runs on Python 3.9 and newer,
with the standard library only.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from find_python import NotFoundError, say

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
MACOS = ("Chromium", "Google Chrome")


def main() -> int:
    try:
        print(find() or install())
    except NotFoundError as error:
        say(str(error))
        return 1
    return 0


def find() -> str | None:
    apps = [f"/Applications/{name}.app/Contents/MacOS/{name}" for name in MACOS]
    found = [path for path in map(shutil.which, NAMES) if path]
    return next(iter(found + [app for app in apps if Path(app).exists()]), None)


def install() -> str:
    advice = "There is no Chromium for the tests in a browser: please install chromium or Chrome"
    if not shutil.which("apt-get"):
        raise NotFoundError(f"{advice}.")
    apt = ["apt-get", "-qq", "-o", "DPkg::Lock::Timeout=120"]
    if os.geteuid():
        if not passes("sudo", "-n", "true"):
            raise NotFoundError(f"{advice}: sudo apt-get install chromium")
        apt = ["sudo", "-n", *apt]
    say("Installing chromium with apt-get")
    # First from the lists that are there: they are often fresh enough.
    chromium = [*apt, "install", "--yes", "--no-install-recommends", "chromium"]
    if not passes(*chromium) and not (passes(*apt, "update") and passes(*chromium, quiet=False)):
        raise NotFoundError(f"{advice}. apt-get did not install it: see above.")
    path = find()
    if path is None:
        raise NotFoundError(f"{advice}. apt-get installed one that is not on PATH.")
    return path


def passes(*command: str, quiet: bool = True) -> bool:
    """Run it, and return whether it went well; what it writes goes to stderr, or nowhere."""
    out = subprocess.DEVNULL if quiet else sys.stderr
    try:
        return not subprocess.run(
            command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, check=False
        ).returncode
    except FileNotFoundError:
        return False


if __name__ == "__main__":
    sys.exit(main())
