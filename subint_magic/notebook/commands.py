"""``!command`` of the notebook itself, while sub-interpreters live."""

from __future__ import annotations

import _interpreters
from typing import Any

from subint_magic._child.display.commands import run_command

__all__ = ["Commands"]


class Commands:
    """Runs the kernel's ``!command`` without a fork, while that would crash.

    IPython runs it by `os.fork`. In CPython 3.14 the fork of a process in which a sub-interpreter
    lives crashes at once, and the command would show nothing at all.
    """

    def __init__(self, shell: Any) -> None:
        self._shell = shell
        self._system = shell.system
        shell.system = self.system

    def system(self, command: str) -> None:
        """Do what ``shell.system`` does."""
        if len(_interpreters.list_all()) == 1 or command.rstrip().endswith("&"):
            self._system(command)
            return
        command = self._shell.var_expand(command, depth=1)
        self._shell.user_ns["_exit_code"] = run_command(command)

    def remove(self) -> None:
        """Let the shell do it again."""
        del self._shell.system
