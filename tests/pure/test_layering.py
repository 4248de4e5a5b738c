"""Who may import whom: imports go one way."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import subint_magic

PACKAGE = Path(subint_magic.__file__).parent
MODULES = sorted(PACKAGE.rglob("*.py"))

# room: the rooms it may import from
ROOMS = {
    "_child": {"_child"},
    "wording": {"wording"},
    "errors": {"errors", "wording"},
    "wire": {"wire", "errors", "wording", "_child"},
    "spawn": {"spawn", "wire", "errors", "wording", "_child"},
    "runtime": {"runtime", "spawn", "wire", "errors", "wording", "_child"},
    "cluster": {"cluster", "runtime", "spawn", "wire", "errors", "wording", "_child"},
    "notebook": {"notebook", "runtime", "spawn", "wire", "errors", "wording", "_child"},
    "testing": {"testing", "runtime", "spawn", "wire", "errors", "wording", "_child"},
    "__init__": {"notebook", "runtime", "spawn", "wire", "errors", "wording", "_child"},
}

# what others may import of it
OF_THE_CHILD = (
    "_child.frames",
    "_child.output.kin",
    "_child.sources",
    "_child.values",
    "_child.display.commands",
)

# outside package: the rooms, folders or modules that may import it
OUTSIDE = {
    "asyncio": {"runtime.host.guest", "runtime.host.tasks", "cluster", "_child.loops"},
    "distributed": {"cluster"},
    "dask": {"cluster.scheduler"},
    "IPython": {"notebook", "__init__", "_child.display"},
    "ipykernel": {"notebook"},
    "ipywidgets": {"notebook"},
    "msgspec": {"wire", "spawn", "runtime", "testing"},
    "msgpack": {"_child"},
    "trio": {"wire", "spawn", "runtime", "cluster", "notebook", "testing", "_child.loops"},
    "pytest": {"testing"},
    "psutil": {"testing"},
    "traitlets": {"notebook", "_child.display"},
    "anywidget": {"notebook.live.browser.page"},
    "outcome": {"runtime.host.guest"},
}


def name_of(path: Path) -> str:
    return ".".join(path.relative_to(PACKAGE).with_suffix("").parts)


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        yield from imported_by(node, path)


def imported_by(node: ast.AST, path: Path) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        assert node.level == 0, f"{path} has a relative import"
        assert node.module is not None
        yield from (f"{node.module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_imports_go_one_way(path: Path):
    name = name_of(path)
    room = name.partition(".")[0]
    for imported in imports(path):
        top, _, inside = imported.partition(".")
        if top == "subint_magic":
            target = inside.partition(".")[0]
            assert target in ROOMS[room], f"{name} imports {imported}"
            if target == "_child" and room != "_child":
                assert inside.startswith(OF_THE_CHILD), f"{name} imports {imported}"
        elif top in OUTSIDE:
            allowed = OUTSIDE[top]
            folder = name.rpartition(".")[0]
            assert {room, folder, name} & allowed, f"{name} imports {imported}"


def test_the_child_needs_the_standard_library_and_msgpack_only():
    import sys

    needed = {*sys.stdlib_module_names, "msgpack", "subint_magic"}
    for path in (PACKAGE / "_child").rglob("*.py"):
        for node in ast.parse(path.read_text()).body:  # what is not inside of a function
            for imported in imported_by(node, path):
                assert imported.partition(".")[0] in needed or "display" in path.parts, path


def test_folders_have_one_idea():
    for folder in {path.parent for path in MODULES}:
        assert len(list(folder.glob("*.py"))) <= 10, folder


FOLDERS = sorted({path.parent for path in MODULES} - {PACKAGE})


@pytest.mark.parametrize("folder", FOLDERS, ids=name_of)
def test_a_folder_is_small_and_draws_its_modules(folder: Path):
    drawn = (folder / "__init__.py").read_text()
    inside = {path.name for path in folder.glob("*.py")} - {"__init__.py"}
    inside |= {f"{path.name}/" for path in folder.iterdir() if (path / "__init__.py").exists()}
    assert {name for name in inside if name not in drawn} == set()
    assert len(list(folder.glob("*.py"))) <= 10
