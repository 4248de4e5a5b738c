import ast
import subprocess
import sys
from pathlib import Path

import pytest

import subint_magic


def test_every_name_is_there():
    for name in subint_magic.__all__:
        assert getattr(subint_magic, name) is not None
    assert dir(subint_magic) == subint_magic.__all__


def test_no_other_name_is():
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        subint_magic.nothing  # noqa: B018


def test_type_checkers_see_the_same_names():
    tree = ast.parse(Path(subint_magic.__file__).read_text())
    block = next(node for node in tree.body if isinstance(node, ast.If))
    seen = {
        alias.asname
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
        if alias.asname
    }
    own = {"__version__", "load_ipython_extension", "unload_ipython_extension"}
    assert seen | own == set(subint_magic.__all__)


def test_importing_the_package_imports_nothing_else_of_it():
    code = "import sys, subint_magic; print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    modules = run.stdout.split()
    assert [name for name in modules if name.startswith("subint_magic")] == ["subint_magic"]
    assert not {"IPython", "ipykernel", "msgspec", "msgpack", "trio", "asyncio"} & set(modules)


def test_loading_the_extension_in_a_shell_starts_nothing():
    code = (
        "import threading\n"
        "from IPython.core.interactiveshell import InteractiveShell as Shell\n"
        "Shell.history_enabled = False\nshell = Shell.instance()\nbefore = threading.enumerate()\n"
        "shell.run_line_magic('load_ext', 'subint_magic')\n"
        "assert threading.enumerate() == before, threading.enumerate()\n"
        "assert 'subint' in shell.magics_manager.magics['cell']\n"
        "shell.run_line_magic('unload_ext', 'subint_magic')\n"
        "assert 'subint' not in shell.magics_manager.magics['cell']\n"
        "assert threading.enumerate() == before\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
