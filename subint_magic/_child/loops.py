"""Runs a cell with top-level ``await`` under trio or asyncio.

Neither is imported before a cell needs it. Tearing through an event loop with an asynchronous
exception corrupts it, so each puts a softer way to stop into the fence.
"""

from __future__ import annotations

import sys

from subint_magic._child import frames

TYPE_CHECKING = False
if TYPE_CHECKING:
    import asyncio
    from collections.abc import Awaitable, Callable
    from typing import Any

    from subint_magic._child.stopping.interrupt import Fence

    type Body = Callable[[], Awaitable[None]]


class Loops:
    """The event loops of one actor, by name.

    The asyncio loop lives as long as the actor, as that of a notebook does, so that what is bound
    to it serves later cells. trio has no such thing: its nurseries end with the cell.
    """

    def __init__(self, fence: Fence) -> None:
        self._fence = fence
        self._runner: asyncio.Runner | None = None
        self._task: asyncio.Task[Any] | None = None  # of the last cell

    def run(self, loop: str, run: int, body: Body) -> None:
        """Run *body* to its end, as the run *run*.

        The fence is armed inside the loop, when there is a soft way to stop it, and after all
        imports: one that is torn leaves half a package behind.

        Raises:
            KeyboardInterrupt: the fence stopped it.
        """
        {"trio": self._trio, "asyncio": self._asyncio}[loop](run, body)

    def close(self) -> None:
        """Cancel what is left on the asyncio loop and close it."""
        self._drop_torn()
        if self._runner is not None:
            self._runner.close()

    def forget_torn_trio(self) -> None:
        """Let trio run again if an interrupt has cut off the begin or the end of a `trio.run`.

        It would say for ever that it runs. Between cells it does not in this thread, unless it is a
        guest of the loop that stays.
        """
        module = sys.modules.get("trio._core._run")
        context = getattr(module, "GLOBAL_RUN_CONTEXT", None)
        runner = getattr(context, "runner", None)
        if runner is not None and not runner.is_guest:
            vars(context).clear()
            runner.close()

    def _trio(self, run: int, body: Body) -> None:
        import trio
        from trio._core._run import GLOBAL_RUN_CONTEXT

        fence = self._fence

        async def main() -> bool:
            token = trio.lowlevel.current_trio_token()
            trio.lowlevel.current_task().name = "cell"  # threads are named after who starts them
            with trio.CancelScope() as scope:

                def cancel() -> None:
                    scope.cancel()
                    fence.reached(run, frames.LOOP)

                # What trio's own handler of SIGINT does: it gets through shields. Nothing public
                # does, and in a sub-interpreter that handler is never called.
                interrupt = GLOBAL_RUN_CONTEXT.runner.deliver_ki
                fence.cancel_loop = lambda: token.run_sync_soon(cancel)
                fence.raise_in_loop = lambda: token.run_sync_soon(interrupt)
                fence.arm(run)
                await body()
            fence.cancel_loop = fence.raise_in_loop = None
            return scope.cancelled_caught

        try:
            cancelled = trio.run(main)
        except BaseException as error:
            if fence.rung == frames.INSIST:
                error.add_note(
                    "trio was torn down by force: it may not run again in this actor. Close it."
                )
            if isinstance(error, RuntimeError | TypeError):
                _hint(error)
            raise
        if cancelled:
            raise KeyboardInterrupt

    def _asyncio(self, run: int, body: Body) -> None:
        import asyncio

        self._drop_torn()
        if self._runner is None:
            self._runner = asyncio.Runner()
        loop = self._runner.get_loop()
        fence = self._fence

        async def main() -> bool:
            self._task = task = asyncio.current_task()
            assert task is not None

            def cancel() -> None:
                task.cancel()
                fence.reached(run, frames.LOOP)

            fence.cancel_loop = lambda: loop.call_soon_threadsafe(cancel)
            # asyncio cannot raise in a task that waits: it can only cancel again.
            fence.raise_in_loop = lambda: loop.call_soon_threadsafe(task.cancel)
            try:
                fence.arm(run)
                await body()
            except asyncio.CancelledError:
                if not task.cancelling():
                    raise  # the cell's own
                return True
            finally:
                fence.cancel_loop = fence.raise_in_loop = None
            return False

        if self._runner.run(main()):
            raise KeyboardInterrupt

    def _drop_torn(self) -> None:
        """Give up the asyncio loop if a cell was torn out of it: its task would go on in the next.

        The loop may believe that it still runs.
        """
        task, self._task = self._task, None
        if task is None:
            return
        from asyncio import events

        loop: Any = task.get_loop()
        if not task.done() or loop.is_running() or events._get_running_loop():
            events._set_running_loop(None)
            loop._thread_id = None
            task._log_destroy_pending = False  # type: ignore[attr-defined]
            self._runner = None
            loop.close()


def _hint(error: RuntimeError | TypeError) -> None:
    if "no running event loop" in str(error) or "unrecognized yield message" in str(error):
        error.add_note("This cell awaits under trio. For asyncio: %%subint --loop asyncio")
