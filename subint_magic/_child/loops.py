"""Runs a cell with top-level ``await`` under trio or asyncio.

Neither is imported before a cell needs it. Tearing through an event loop with an asynchronous
exception corrupts it, so each puts a softer way to stop into the fence.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    import asyncio
    from collections.abc import Awaitable, Callable

    from subint_magic._child.interrupt import Fence

    type Body = Callable[[], Awaitable[None]]


class Loops:
    """The event loops of one actor, by name.

    The asyncio loop lives as long as the actor, as that of a notebook does, so that what is bound
    to it serves later cells. trio has no such thing: its nurseries end with the cell.
    """

    def __init__(self, fence: Fence) -> None:
        self._fence = fence
        self._runner: asyncio.Runner | None = None

    def run(self, loop: str, body: Body) -> None:
        """Run *body* to its end.

        Raises:
            KeyboardInterrupt: the fence stopped it.
        """
        {"trio": self._trio, "asyncio": self._asyncio}[loop](body)

    def close(self) -> None:
        """Cancel what is left on the asyncio loop and close it."""
        if self._runner is not None:
            self._runner.close()

    def _trio(self, body: Body) -> None:
        import trio

        async def main() -> bool:
            token = trio.lowlevel.current_trio_token()
            with trio.CancelScope() as scope:
                self._fence.soft = lambda: token.run_sync_soon(scope.cancel)
                await body()
            self._fence.soft = None
            return scope.cancelled_caught

        if trio.run(main):
            raise KeyboardInterrupt

    def _asyncio(self, body: Body) -> None:
        import asyncio

        if self._runner is None:
            self._runner = asyncio.Runner()
        loop = self._runner.get_loop()

        async def main() -> bool:
            task = asyncio.current_task()
            assert task is not None
            self._fence.soft = lambda: loop.call_soon_threadsafe(task.cancel)
            try:
                await body()
            except asyncio.CancelledError:
                if not task.cancelling():
                    raise  # the cell's own
                return True
            finally:
                self._fence.soft = None
            return False

        if self._runner.run(main()):
            raise KeyboardInterrupt
