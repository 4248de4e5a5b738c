"""Whether what a cell imports can load where it is to run, before it runs.

cell.py     the imports of a cell: parsed, not run
bodies.py   the imports of a function
values.py   what values need where they are loaded
known.py    what is known of modules: data
probe.py    tries the others in a throwaway process
attempt.py  what runs in that process
check.py    puts them together, and remembers
choice.py   the spawn method that follows from it
"""

from subint_magic.runtime.imports.cell import Import, imports_of
from subint_magic.runtime.imports.check import (
    Obstacle,
    check_imports,
    find_obstacle,
    loadable,
    missed_import,
    note_loaded,
)
from subint_magic.runtime.imports.choice import AUTO, SUMMARY, cheapest_process, choose
from subint_magic.runtime.imports.values import imports_for

__all__ = [
    "AUTO",
    "SUMMARY",
    "Import",
    "Obstacle",
    "cheapest_process",
    "check_imports",
    "choose",
    "find_obstacle",
    "imports_for",
    "imports_of",
    "loadable",
    "missed_import",
    "note_loaded",
]
