#!/usr/bin/env python3
"""Make the virtual environment for one version of Python, or keep the one that is there.

    python3 scripts/make_venv.py 3.14 [dependency group ...]

It holds the package (editable), the dependency group `dev`, those named, and a kernel for
Jupyter. It is made anew when something it is made from has changed or when making it was cut
short. Runs on Python 3.9 and newer, with the standard library only.
"""

from __future__ import annotations

import hashlib
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

from find_python import NotFoundError, find_python, find_uv, say

ROOT = Path(__file__).resolve().parent.parent
DEFAULT_VERSION = "3.14"


def main(version: str, *groups: str) -> int:
    venv = ROOT / (".venv" if version == DEFAULT_VERSION else f".venv-{version}")
    stamp = venv / "made-from"
    try:
        if not (stamp.exists() and stamp.read_text() == fingerprint(venv)):
            make(venv, version)
            stamp.write_text(fingerprint(venv))
        for group in groups:
            mark = venv / f"has-{group}"
            if not mark.exists():
                say(f"Installing the group {group} in {venv.name}")
                install(venv, "--group", group)
                mark.touch()
    except NotFoundError as error:
        say(str(error))
        return 1
    except subprocess.CalledProcessError as error:
        say(f"This command failed: {shlex.join(map(str, error.cmd))}")
        return 1
    return 0


def fingerprint(venv: Path) -> str:
    """Return a hash of what the environment is made from, its interpreter included."""
    scripts = Path(__file__).parent
    sources = [ROOT / "pyproject.toml", scripts / "find_python.py", scripts / "make_venv.py"]
    digest = hashlib.sha256(b"".join(source.read_bytes() for source in sources))
    python = (venv / "bin" / "python").resolve()
    if python.exists():
        status = python.stat()
        digest.update(f"{python} {status.st_size} {status.st_mtime_ns}".encode())
    return digest.hexdigest()


def make(venv: Path, version: str) -> None:
    python = find_python(version)
    say(f"Making {venv.name}")
    compile_standard_library(python)
    shutil.rmtree(venv, ignore_errors=True)
    call(find_uv(), "venv", "--quiet", "--python", python, venv)
    install(venv, "--editable", ROOT, "--group", "dev")
    kernel = ["-m", "ipykernel", "install", "--sys-prefix", "--name", "python3"]
    kernel += ["--display-name", f"Python {version} (subint_magic)"]
    call(venv / "bin" / "python", *kernel, stdout=subprocess.DEVNULL)


def install(venv: Path, *what: str | Path) -> None:
    pip = [find_uv(), "pip", "install", "--quiet", "--compile-bytecode"]
    call(*pip, "--python", venv / "bin" / "python", *what)


def compile_standard_library(python: Path) -> None:
    """Write what bytecode is missing, where it may be written.

    No sub-interpreter shares modules with another: without bytecode, each one compiles all that
    it imports, and its imports take three times as long.
    """
    ask = "import sysconfig; print(sysconfig.get_path('stdlib'))"
    library = subprocess.check_output([python, "-I", "-c", ask], text=True).strip()
    if os.access(library, os.W_OK):
        options = ["-qq", "-j0", "-x", "/(test|tests|idlelib|site-packages|dist-packages)/"]
        subprocess.run([python, "-I", "-m", "compileall", *options, library], check=False)


def call(*command: str | Path, **options: int) -> None:
    subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL, check=True, **options)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
