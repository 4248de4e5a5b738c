"""What the start of an actor costs, counted and not timed."""

import json
import subprocess
import sys

HEAVY = {
    "asyncio",
    "cloudpickle",
    "ctypes",
    "dataclasses",
    "enum",
    "importlib.metadata",
    "inspect",
    "json",
    "logging",
    "pickle",
    "re",
    "tokenize",
    "traceback",
    "trio",
    "typing",
    "IPython",
}

SAYS = """\
import sys; sys.path[:] = {path!r}; import os; before = set(sys.modules)
import subint_magic._child.bootstrap
new = set(sys.modules) - before
import json; print(json.dumps(sorted(new)))
"""


def test_what_a_child_imports():
    command = [sys.executable, "-I", "-c", SAYS.format(path=sys.path)]
    modules = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    assert HEAVY & set(modules) == set()
    ours = [name for name in modules if name.startswith("subint_magic")]
    assert len(ours) <= 35, len(ours)
    assert len(modules) - len(ours) <= 40, len(modules) - len(ours)
