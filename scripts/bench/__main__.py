"""Measure what an actor costs, against the bare thing that it stands on and every alternative.

    make bench ARGS="--only cells"

Each section runs in a process of its own. The sides of a comparison take turns, A B A B …, so that
a machine whose speed drifts favours neither. Each number is the median of all turns, then the 10th
and the 90th percentile. A target that is missed is printed, and is no failure of the command.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import time
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from report import print_table, write_document
from turns import KEYS, Plan, in_fresh_process, measure_section

from subint_magic import spawn_methods

if TYPE_CHECKING:
    from tables import Table

SECTIONS = (
    "cells",
    "cold",
    "calls",
    "cores",
    "values",
    "output",
    "memory",
    "lives",
    "interrupt",
    "panel",
    "cluster",
)


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench", description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="only a few turns: a smoke test")
    parser.add_argument("--only", action="append", choices=SECTIONS, help="may be repeated")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the numbers there as well")
    help_write = "write docs/benchmark.md and its plot"
    parser.add_argument("--write", action="store_true", help=help_write)
    options = parser.parse_args()
    if options.write and options.only:
        parser.error("--write needs every section: leave --only out")

    reasons = {status.key: status.reason or "" for status in spawn_methods() if status.key in KEYS}
    plan = Plan(reasons, options.quick)
    python, cores, load = platform.python_version(), os.process_cpu_count(), os.getloadavg()[0]
    facts = f"Python {python}, {cores} cores, load before {load:.2f}"
    print(f"{facts}.\nMedians of all turns, with the 10th to the 90th percentile.")
    tables: list[Table] = []
    for section in options.only or SECTIONS:
        begun = time.monotonic()
        for table in in_fresh_process(measure_section, section, plan):
            print_table(table)
            tables.append(table)
        print(f"\n[{section}: {time.monotonic() - begun:.0f} s]", flush=True)
    if options.json:
        data = {table.title: table.as_data() for table in tables}
        numbers = {"python": python, "cores": cores, "load": load, "tables": data}
        options.json.write_text(json.dumps(numbers, indent=2) + "\n")
    if options.write:
        write_document(tables, facts)


if __name__ == "__main__":
    # multiprocessing's children import the file of `__main__`. In a kernel they find none.
    sys.modules["__main__"] = ModuleType("__main__")
    main()
