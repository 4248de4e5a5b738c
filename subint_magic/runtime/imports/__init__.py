"""Whether what a cell imports can load where it is to run, before it runs.

cell.py     the imports of a cell: parsed, not run
values.py   what values need where they are loaded
known.py    what is known of modules: data
probe.py    tries the others in a throwaway process
attempt.py  what runs in that process
check.py    puts them together, and remembers
"""

from subint_magic.runtime.imports.cell import Import, imports_of
from subint_magic.runtime.imports.check import (
    Obstacle,
    check_imports,
    find_obstacle,
    missed_import,
    note_loaded,
)
from subint_magic.runtime.imports.values import imports_for

__all__ = [
    "Import",
    "Obstacle",
    "check_imports",
    "find_obstacle",
    "imports_for",
    "imports_of",
    "missed_import",
    "note_loaded",
]
