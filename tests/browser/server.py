"""One JupyterLab server for all tests, which touches nothing of the user's."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
import urllib.request
from shutil import rmtree
from typing import TYPE_CHECKING, Any

import psutil

if TYPE_CHECKING:
    from pathlib import Path

_ERROR = re.compile(
    r"^\[[EC] "  # a line of Jupyter's log
    r"|\| (ERROR|CRITICAL) \|"  # one of a kernel's
    r"|Traceback \(most recent call last\)|Exception ignored|Task exception was never retrieved"
)

# Not ours: the server writes to a page that has just been closed.
_NOISE = re.compile(
    r"^.*Task exception was never retrieved\n"
    r"future: .*WebSocketProtocol13\.write_message.*\n"
    r"(?:.*\n)*?tornado\.websocket\.WebSocketClosedError.*\n",
    re.MULTILINE,
)

_OPTIONS = [
    "--no-browser",
    "--allow-root",
    "--LabApp.expose_app_in_browser=True",
    "--JupyterNotebookApp.expose_app_in_browser=True",
    "--ServerApp.port=0",
    "--IdentityProvider.token=",
    "--ServerApp.disable_check_xsrf=True",
    "--KernelSpecManager.allowed_kernelspecs=python3",
    "--LabApp.extension_manager=readonly",  # asks no package index
    "--LanguageServerManager.autodetect=False",
]
_SETTINGS = {
    "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
}


class Server:
    """A JupyterLab server, started.

    Args:
        directory: an empty one, for its notebooks and all that Jupyter would put into HOME.

    Attributes:
        url: of the server; without a slash at its end.
        notebooks: the folder that it shows.
        log: its lines of log so far, those of its kernels among them.
        env: the environment that it runs in.
    """

    def __init__(self, directory: Path) -> None:
        self._config = directory / "config"
        self.notebooks = directory / "notebooks"
        self.env = _environment(directory)
        for folder in (self.notebooks, self._config / "labconfig"):
            folder.mkdir(parents=True)
        (self._config / "labconfig" / "page_config.json").write_text(
            json.dumps({"buildAvailable": False, "buildCheck": False})
        )
        self.reset_settings()
        self.log: list[str] = []
        self._seen = 0
        command = [sys.executable, "-m", "jupyterlab", *_OPTIONS]
        command += [f"--ServerApp.root_dir={self.notebooks}"]
        self._process = subprocess.Popen(
            command,
            cwd=directory,
            env=self.env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.url = self._wait_for_url()
        # Else the server would come to a halt once the pipe is full.
        self._reader = threading.Thread(target=self._read, name="log of the server", daemon=True)
        self._reader.start()

    def close(self) -> None:
        """End the server; its kernels have ended before."""
        # Not SIGTERM: now and then the server then waits for good for a thread of its own.
        self._process.kill()
        self._process.wait()
        self._reader.join()
        assert self._process.stdout is not None
        self._process.stdout.close()

    def configure(self, plugin: str, **settings: Any) -> None:
        """Set what a user would set in the settings editor, for pages opened from now on.

        Args:
            plugin: such as ``"apputils-extension/kernels-settings"``.
            settings: its settings by name.
        """
        path = self._config / f"lab/user-settings/@jupyterlab/{plugin}.jupyterlab-settings"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(settings))

    def reset_settings(self) -> None:
        """Make the settings those of a new user who wants no news."""
        rmtree(self._config / "lab", ignore_errors=True)
        for plugin, settings in _SETTINGS.items():
            self.configure(plugin, **settings)

    def shut_kernels_down(self) -> None:
        """End all kernels, and see that all their processes end with them."""
        processes = psutil.Process(self._process.pid).children(recursive=True)
        for kernel in json.loads(self._ask("GET", "/api/kernels")):
            self._ask("DELETE", f"/api/kernels/{kernel['id']}")
        _, left = psutil.wait_procs(processes, timeout=30)
        assert not left, f"kernels have left behind {left}"

    def new_errors(self) -> list[str]:
        """Return the errors in the log since the last call, each with the lines after it."""
        log, self._seen = "".join(self.log[self._seen :]), len(self.log)
        new = _NOISE.sub("", log).splitlines(keepends=True)
        return [
            "".join(new[number : number + 30])
            for number, line in enumerate(new)
            if _ERROR.search(line)
        ]

    def _ask(self, method: str, path: str) -> bytes:
        request = urllib.request.Request(f"{self.url}{path}", method=method)
        with urllib.request.urlopen(request, timeout=60) as response:
            return response.read()

    def _wait_for_url(self) -> str:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self.log.append(line)
            if found := re.search(r"(http://127\.0\.0\.1:\d+)/lab", line):
                return found[1]
        raise ChildProcessError(f"JupyterLab has ended:\n{''.join(self.log)}")

    def _read(self) -> None:
        assert self._process.stdout is not None
        self.log.extend(self._process.stdout)


def _environment(directory: Path) -> dict[str, str]:
    env = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("JUPYTER", "JPY_", "IPYTHON", "XDG_"))
    }
    folders = {
        "HOME": "home",
        "IPYTHONDIR": "ipython",
        "JUPYTER_CONFIG_DIR": "config",
        "JUPYTER_DATA_DIR": "data",
        "JUPYTER_RUNTIME_DIR": "runtime",
        "XDG_CACHE_HOME": "cache",
        "XDG_CONFIG_HOME": "xdg-config",
        "XDG_DATA_HOME": "xdg-data",
    }
    for variable, folder in folders.items():
        (directory / folder).mkdir()
        env[variable] = str(directory / folder)
    return env
