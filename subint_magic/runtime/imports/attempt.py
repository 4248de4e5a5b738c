"""What runs in the throwaway process: imports modules in a sub-interpreter, tells what came of it.

It needs nothing but the standard library. The line of arguments is one JSON object; for each
statement come lines of JSON on what was stdout:

    {"step": "first N", …}   statement N in a sub-interpreter
    {"step": "main N", …}    in a process of its own, if it failed there for no known reason
    {"step": "again N", …}   in a second sub-interpreter, if that shares the GIL
"""

from __future__ import annotations

import json
import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

_REFUSAL = "does not support loading in subinterpreters"
_HARMLESS = (DeprecationWarning, PendingDeprecationWarning, FutureWarning, SyntaxWarning)


class Watch:
    """Notes what happens to extension modules in this interpreter, and what warnings there are."""

    def __init__(self) -> None:
        import _imp
        import warnings

        self.refused: list[tuple[str, ImportError]] = []
        self.files: set[str] = set()
        self.loaded: set[str] = set()
        self.warned: bool = False
        for name in ("create_dynamic", "exec_dynamic", "create_builtin", "exec_builtin"):
            setattr(_imp, name, self._watched(getattr(_imp, name)))
        warnings.showwarning = self._warn  # type: ignore[assignment]

    def _watched(self, load: Callable[..., Any]) -> Callable[..., Any]:
        def watched(subject: Any, *args: Any) -> Any:
            spec = getattr(subject, "__spec__", subject)
            try:
                result = load(subject, *args)
            except ImportError as error:
                self.refused.append((spec.name, error))
                self.files.add(spec.origin)
                raise
            if spec.origin and os.path.isabs(spec.origin):
                self.loaded.add(spec.origin)
            return result

        return watched

    def _warn(self, message: object, category: type[Warning], *_: object) -> None:
        self.warned |= not issubclass(category, _HARMLESS)


def attempt(statement: str, answers: int, step: str, watch: Watch | None) -> bool:
    """Carry out *statement*, say what came of it; whether that says all."""
    error: BaseException | None = None
    if watch is not None:
        watch.refused.clear()
        watch.files.clear()
        watch.warned = False
    try:
        exec(statement, {"__name__": "probe"})
    except BaseException as raised:  # noqa: BLE001 - whatever it is
        error = raised
    name, says_all = "", error is None
    if watch is not None:
        chain = list(_chain(error))
        for refused, why in reversed(watch.refused):
            inherent = _REFUSAL in str(why)
            if why in chain or (error is None and inherent and watch.warned):
                name, says_all = refused, error is None or inherent
    answer = {
        "step": step,
        "error": "" if error is None else _one_line(error),
        "extension": name,
        "says_all": says_all,
        "refused": sorted(filter(None, watch.files)) if watch else [],
        "loaded": sorted(watch.loaded) if watch else [],
        "files": sorted(_files(error)),
    }
    os.write(answers, json.dumps(answer).encode() + b"\n")
    return says_all


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    seen: list[BaseException] = []
    left = [error]
    while left:
        each = left.pop()
        if each is not None and not any(each is one for one in seen):
            seen.append(each)
            left += [each.__cause__, each.__context__]
    return iter(seen)


def _one_line(error: BaseException) -> str:
    try:
        text = " ".join(str(error).split())
    except BaseException:  # noqa: BLE001 - it is somebody else's
        text = ""
    if len(text) > 200:
        text = f"{text[:199]}…"
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _files(error: BaseException | None) -> set[str]:
    """Return the source files that were run."""
    files = {getattr(module, "__file__", None) for module in list(sys.modules.values())}
    for each in _chain(error):
        traceback = each.__traceback__
        while traceback is not None:
            files.add(traceback.tb_frame.f_code.co_filename)
            traceback = traceback.tb_next
    files -= {None, __file__}
    return {file for file in files if isinstance(file, str) and os.path.isfile(file)}


def main() -> None:
    """Carry out the request that is the argument of this program."""
    import threading

    request = json.loads(sys.argv[1])
    parent, answers = os.dup(0), os.dup(1)
    null = os.open(os.devnull, os.O_RDWR)
    for fd in (0, 1, 2):
        os.dup2(null, fd)
    threading.Thread(target=_end_with_parent, args=(parent,), daemon=True).start()
    sys.path[:] = request["path"]
    if request["kind"] == "main":
        attempt(request["statements"][0], answers, request["step"], None)
    else:
        _in_interpreters(request, parent, answers)
    os._exit(0)  # whatever a module has left running


def _in_interpreters(request: dict[str, Any], parent: int, answers: int) -> None:
    import _interpreters

    with open(__file__) as file:
        source = file.read()
    begin = (
        f"import sys; sys.path[:] = {request['path']!r}\n"
        f"ours = {{'__name__': 'attempt', '__file__': {__file__!r}}}\n"
        f"exec(compile({source!r}, {__file__!r}, 'exec'), ours)\nwatch = ours['Watch']()"
    )
    for step in ("first", "again") if request["kind"] == "legacy" else ("first",):
        interpreter = None
        for number, statement in enumerate(request["statements"]):
            if interpreter is None:
                interpreter = _interpreters.create(request["kind"])
                _interpreters.exec(interpreter, begin)
            trial = f"{statement!r}, {answers}, '{step} {number}', watch"
            trial = f"if not ours['attempt']({trial}): raise ImportError"
            if _interpreters.exec(interpreter, trial) is not None:
                if step == "first":
                    _in_process(request, f"main {number}", statement, parent, answers)
                interpreter = None  # what is half there must not change what comes next


def _in_process(
    request: dict[str, Any], step: str, statement: str, parent: int, answers: int
) -> None:
    import subprocess

    own = {"kind": "main", "path": request["path"], "statements": [statement], "step": step}
    command = [sys.executable, __file__, json.dumps(own)]
    subprocess.run(command, stdin=parent, stdout=answers, check=False)


def _end_with_parent(fd: int) -> None:
    os.read(fd, 1)
    os._exit(1)


if __name__ == "__main__":
    main()
