#!/usr/bin/env python3
"""Build the distributions, install each into an empty environment, and run cells in its kernel.

    .venv/bin/python scripts/try_wheel.py [version ...]

The environments hold the runtime dependencies and no more. What uses the types of the installed
wheel, tests/typing/api.py, is checked by mypy and pyright. Needs the dependency group `release`.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from find_python import find_python, find_uv

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
UV = find_uv()
VERSIONS = ("3.13", "3.14", "3.15")
TYPED = "3.14"

# Run by the Python of a new environment.
KERNEL = """
import sys
from jupyter_client.manager import run_kernel

CELL = '''
%load_ext subint_magic
%spawn_backend
'''
FRESH = '''
%%subint
print("from an actor")
6 * 7
'''
shown = []

def keep(message):
    if message["msg_type"] == "stream":
        shown.append(message["content"]["text"])
    elif message["msg_type"] in ("execute_result", "display_data"):
        shown.append(message["content"]["data"]["text/plain"])
    elif message["msg_type"] == "error":
        shown.extend(message["content"]["traceback"])

with run_kernel(kernel_name="python3", extra_arguments=["--colors=NoColor"]) as client:
    for cell in (CELL, FRESH):
        reply = client.execute_interactive(cell, timeout=60, output_hook=keep)
        if reply["content"]["status"] != "ok":
            sys.exit("".join(shown))
if "from an actor\\n" not in shown or "42" not in shown:
    sys.exit(f"the cell has shown {shown}")
"""


def main(*versions: str) -> int:
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        wheel, sdist = build(folder / "dist")
        check_contents(wheel, sdist)
        pythons = {version: find_python(version) for version in versions or VERSIONS}
        jobs = [(file, version) for version in pythons for file in (wheel, sdist)]

        def attempt(job: tuple[Path, str]) -> None:
            file, version = job
            venv = folder / f"{version}{file.suffix}"
            python = install(venv, pythons[version], file)
            run(python, "-c", KERNEL, cwd=venv)
            if version == TYPED and file is wheel:
                check_types(python, venv)
            print(f"{file.name} on Python {version}: its kernel runs cells", flush=True)

        with ThreadPoolExecutor(2) as pool:
            list(pool.map(attempt, jobs))
    return 0


def build(folder: Path) -> tuple[Path, Path]:
    """Build both, and have their metadata checked."""
    # uv, since a Python that was copied from Debian's packages may have no pip of its own
    run(sys.executable, "-m", "build", "--installer", "uv", "--outdir", folder, cwd=ROOT)
    [wheel], [sdist] = folder.glob("*.whl"), folder.glob("*.tar.gz")
    run(BIN / "twine", "check", "--strict", wheel, sdist, cwd=ROOT)
    return wheel, sdist


def check_contents(wheel: Path, sdist: Path) -> None:
    """The wheel holds each file of the package, its licence and nothing else; the sdist all."""
    tracked = run("git", "ls-files", cwd=ROOT).splitlines()
    package = {name for name in tracked if name.startswith("subint_magic/")}
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
        licensed = any(name.endswith(".dist-info/licenses/LICENSE") for name in archive.namelist())
    if names != package or not licensed:
        sys.exit(f"the wheel differs from the package: {names ^ package}, licensed: {licensed}")
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    if not set(tracked) <= names:
        sys.exit(f"the sdist lacks {set(tracked) - names}")


def install(venv: Path, python: Path, file: Path) -> Path:
    """Install *file* into a new environment; return its Python."""
    run(UV, "venv", "--quiet", "--python", python, venv)
    run(UV, "pip", "install", "--quiet", "--python", venv / "bin" / "python", file)
    run(UV, "pip", "check", "--python", venv / "bin" / "python")
    return venv / "bin" / "python"


def check_types(python: Path, folder: Path) -> None:
    """Check a user's code against the types of what is installed, and not of the checkout."""
    code = folder / "api.py"
    code.write_text((ROOT / "tests" / "typing" / "api.py").read_text())
    # Neither is to take the configuration of a folder above this one.
    (folder / "pyrightconfig.json").write_text("{}")
    no_config = ["--config-file", "", "--strict"]
    run(BIN / "mypy", *no_config, "--python-executable", python, code, cwd=folder)
    run(BIN / "pyright", "--pythonpath", python, code, cwd=folder)
    print("py.typed: mypy and pyright agree with tests/typing/api.py", flush=True)


def run(*command: str | Path, cwd: Path | None = None) -> str:
    """Return what *command* prints, or end with it if it fails."""
    words = [str(word) for word in command]
    path = os.pathsep.join([str(Path(UV).parent), os.environ["PATH"]])
    environ = {**os.environ, "PATH": path}
    done = subprocess.run(
        words,
        cwd=cwd,
        env=environ,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        sys.exit(f"{done.stdout}\nThis command failed: {' '.join(words)[:500]}")
    return done.stdout


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
