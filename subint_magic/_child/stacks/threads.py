"""The stacks of all that goes on: of the cell, of tasks and of threads."""

from __future__ import annotations

import linecache
import os
import sys
import threading
from itertools import chain, islice
from types import ModuleType

from subint_magic._child.display.traceback import OURS
from subint_magic._child.stacks.inspection import MAX_ROWS, clean, globals_of, instance_dict
from subint_magic._child.stacks.tasks import awaited, find_tasks

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from types import FrameType
    from typing import Any

    type Frames = list[FrameType]
    type Row = tuple[str, int, int, str, str]
    type Stack = tuple[str, str, int, list[Row]]

MAX_STACKS = 100
"""Different stacks of tasks that are told at most."""

_INTERNALS = ("trio", "outcome", "asyncio", "concurrent.futures", "selectors")
_BOOTSTRAP = ("_bootstrap", "_bootstrap_inner", "run")  # of a thread, in `threading`


def stacks(cells: Mapping[str, int], executor: int, own: int) -> tuple[list[Stack], int]:
    """Return the stacks of the cell, then of tasks, then of threads; and the tasks left out.

    Each is whose it is, ``"cell"``, ``"task"`` or ``"thread"``; the name of that; how many more of
    them are in the same places; and its frames, outermost first, without those of trio, asyncio
    and `threading` themselves. A frame is the file; the number of the cell, or 0; the line; the
    function; and the text of the line, if it is one of a cell.

    Args:
        cells: the file names of cells, and their numbers.
        executor: the thread that runs cells.
        own: the thread that answers.
    """
    threads = {i: _outermost_first(f) for i, f in sys._current_frames().items() if i != own}
    tasks, left_out = find_tasks(chain.from_iterable(threads.values()))
    waiting = [(name, list(islice(awaited(coro), MAX_ROWS))) for name, coro in tasks]
    roots = {frames[0]: number for number, (_, frames) in enumerate(waiting) if frames}
    parts = {ident: _split(frames, roots) for ident, frames in threads.items()}
    running = {task: frames for part in parts.values() for task, frames in part.items()}

    of_cell, of_tasks, of_threads = [], [], []
    for number, (name, frames) in enumerate(waiting):
        if frames and frames[0].f_code.co_filename.startswith(OURS):
            of_cell.append(("", running.get(number, frames)))
        else:
            of_tasks.append((name, running.get(number, frames)))
    for ident, part in parts.items():
        if ident != executor:
            of_threads.append((_name_of_thread(ident), part[None]))
        elif not of_cell:
            of_cell.append(("", _from_a_cell(part[None], cells)))
        else:  # the cell is a task; this is a callback that its loop has called
            of_threads.append((_name_of_thread(ident), _from_a_cell(part[None], cells)))

    hidden = tuple(_internals())
    told = _alike([(name, _shown(frames, hidden) or frames[:1]) for name, frames in of_tasks])
    left_out += sum(1 + more for _, more, _ in told[MAX_STACKS:])
    return [
        (whose, clean(name), more, [_place(frame, cells) for frame in frames[-MAX_ROWS:]])
        for whose, those in (
            ("cell", _alike((name, _shown(frames, hidden)) for name, frames in of_cell)),
            ("task", told[:MAX_STACKS]),
            ("thread", _alike((name, _shown(frames, hidden)) for name, frames in of_threads)),
        )
        for name, more, frames in those
    ], left_out


def _outermost_first(frame: FrameType | None) -> Frames:
    inner = []
    while frame is not None:
        inner.append(frame)
        frame = frame.f_back
    return inner[::-1]


def _split(frames: Frames, roots: Mapping[FrameType, int]) -> dict[int | None, Frames]:
    """Return the frames of a thread, ``None``, and those of each task that runs in it."""
    part: Frames = []
    parts: dict[int | None, Frames] = {None: part}
    for frame in frames:
        if frame in roots:
            part = parts[roots[frame]] = []
        part.append(frame)
    return parts


def _from_a_cell(frames: Frames, cells: Mapping[str, int]) -> Frames:
    starts = (i for i, frame in enumerate(frames) if frame.f_code.co_filename in cells)
    return frames[next(starts, len(frames)) :]


def _name_of_thread(ident: int) -> str:
    thread = threading._active.get(ident)  # type: ignore[attr-defined]
    name = instance_dict(type(thread), thread).get("_name")
    return name if type(name) is str else str(ident)


def _alike(named: Iterable[tuple[str, Frames]]) -> list[tuple[str, int, Frames]]:
    """Return those that have frames; of those in the same places the first, with a count."""
    found: dict[tuple[tuple[int, int | None], ...], tuple[str, int, Frames]] = {}
    for name, frames in named:
        if frames:
            places = tuple((id(frame.f_code), frame.f_lineno) for frame in frames)
            first, more, those = found.get(places, (name, -1, frames))
            found[places] = first, more + 1, those
    return list(found.values())


def _shown(frames: Frames, hidden: tuple[str, ...]) -> Frames:
    """Return *frames* but for internals; those of `threading` only if there is nothing else."""
    own = threading.__file__
    rest = [
        frame
        for frame in frames
        if not (code := frame.f_code).co_filename.startswith(hidden)
        and not (code.co_filename == own and code.co_name in _BOOTSTRAP)
    ]
    return [frame for frame in rest if frame.f_code.co_filename != own] or rest


def _internals() -> Iterator[str]:
    """Yield what the names of files begin with whose frames are nobody's business."""
    yield OURS
    for each in _INTERNALS:
        module = sys.modules.get(each)
        file = globals_of(module).get("__file__") if type(module) is ModuleType else None
        if type(file) is str:
            folder, name = os.path.split(file)
            yield folder + os.sep if name.startswith("__init__.") else file


def _place(frame: FrameType, cells: Mapping[str, int]) -> Row:
    code, line = frame.f_code, frame.f_lineno or frame.f_code.co_firstlineno
    count = cells.get(code.co_filename, 0)
    text = ""
    if count:
        entry: Any = linecache.cache.get(code.co_filename, (0, None, [], ""))
        text = "".join(entry[2][line - 1 : line])
    return clean(code.co_filename), count, line, clean(code.co_qualname), clean(text.strip())
