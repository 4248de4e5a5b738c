#!/usr/bin/env python3
"""Make the environment of binder/ as repo2docker does, and run notebooks in it.

    python3 scripts/try_binder.py [notebook ...]

Without arguments it runs all of them. The environment is made of the same files in the same order,
in a virtual environment instead of a container that has its Python from conda; and repo2docker says
which files of the folder it takes. Runs on Python 3.9 and newer, with the standard library only.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from find_python import find_python, find_uv

ROOT = Path(__file__).resolve().parent.parent
BINDER = ROOT / "binder"
UV = find_uv()
REPO2DOCKER = "jupyter-repo2docker>=2026.4"  # it has Python 3.14


def main(*notebooks: str) -> int:
    version = (BINDER / "runtime.txt").read_text().strip().removeprefix("python-")
    base = find_python(version)
    check_folder(version, base)
    with tempfile.TemporaryDirectory() as folder:
        python = make(Path(folder) / "venv", base)
        run(python, "-m", "jupyter", "lab", "--version")
        paths = [Path(name) for name in notebooks] or sorted(ROOT.glob("notebooks/*.ipynb"))
        with ThreadPoolExecutor(2) as pool:
            failed = sum(pool.map(lambda path: show(python, path), paths))
    return 1 if failed else 0


def check_folder(version: str, base: Path) -> None:
    """Let repo2docker write its Dockerfile; fail if it does not take what the folder has."""
    uvx = [UV, "tool", "run", "--python", base, "--from", REPO2DOCKER]
    dockerfile = run(*uvx, "jupyter-repo2docker", "--no-build", "--debug", ROOT)
    for expected in (
        f"Building conda environment for python={version}",
        'pip install --no-cache-dir -r "binder/requirements.txt"',
        "RUN ./binder/postBuild",
    ):
        if expected not in dockerfile:
            sys.exit(f"{dockerfile}\nrepo2docker does not say: {expected}")
    print(f"repo2docker takes binder/ for Python {version}")


def make(venv: Path, base: Path) -> Path:
    """Make the environment; return its Python."""
    run(UV, "venv", "--quiet", "--seed", "--python", base, venv)
    python = venv / "bin" / "python"
    wanted = BINDER / "requirements.txt"
    run(UV, "pip", "install", "--python", python, "-r", wanted)
    run(BINDER / "postBuild", PATH=f"{venv / 'bin'}:{os.environ['PATH']}")
    run(UV, "pip", "check", "--python", python)
    return python


def show(python: Path, notebook: Path) -> bool:
    """Run *notebook*; say in one line how that went. Return whether it failed."""
    command = [str(python), str(ROOT / "scripts" / "demo.py"), str(notebook)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        print(f"{done.stdout}{done.stderr}\n{notebook.name} failed", flush=True)
    else:
        print(done.stdout.splitlines()[-1], flush=True)
    return bool(done.returncode)


def run(*command: str | Path, **environment: str) -> str:
    """Return what *command* prints, or end with it if it fails."""
    words = [str(word) for word in command]
    environ = {**os.environ, **environment}
    done = subprocess.run(
        words,
        cwd=ROOT,
        env=environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        sys.exit(f"{done.stdout}\nThis command failed: {' '.join(words)}")
    return done.stdout


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
