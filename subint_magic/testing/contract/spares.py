"""Spares: actors that are booted before anybody asks for one."""

from __future__ import annotations

import sys
from ast import literal_eval
from typing import TYPE_CHECKING

import pytest
import trio

from subint_magic.runtime.nursery import open_nursery
from subint_magic.spawn import set_preload, using_start_method
from subint_magic.testing.contract._base import ON_THIS_MACHINE, TIMEOUT, Contract

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterator
    from pathlib import Path

    from subint_magic.runtime.nursery import ActorNursery

_SAYS = "import os, sys; os.getcwd(), os.environ.get('SPARE'), sys.path[-1]"


class SpareContract(Contract):
    """Spares: actors that are booted before anybody asks for one."""

    @pytest.fixture
    async def spares(self, start_method: str) -> AsyncGenerator[ActorNursery]:
        """An open nursery that keeps one."""
        with trio.fail_after(TIMEOUT), using_start_method(start_method):
            async with open_nursery(spares=1) as nursery:
                await nursery.warm_up()
                assert nursery.spares.ready == 1
                yield nursery

    @pytest.fixture
    def preload(self) -> Iterator[None]:
        """Modules that are imported ahead, one of them in vain."""
        set_preload(["colorsys", "no_such_module"])
        yield
        set_preload([])

    @ON_THIS_MACHINE
    async def test_one_takes_over_what_is_current(
        self, spares: ActorNursery, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        assert spares.actors == {}
        monkeypatch.chdir(tmp_path)
        monkeypatch.setenv("SPARE", "new")
        monkeypatch.setattr(sys, "path", [*sys.path, "/new"])
        actor = await spares.start_actor("mine")
        assert spares.spares.ready == 0
        assert list(spares.actors) == ["mine"]
        told = await actor.run_cell(_SAYS)
        assert literal_eval(told.value or "") == (str(tmp_path), "new", "/new")

    async def test_one_is_never_used_again(self, spares: ActorNursery) -> None:
        first = await spares.start_actor()
        await first.run_cell("soiled = 1")
        await first.close()
        await spares.warm_up()
        second = await spares.start_actor()
        assert (await second.run_cell("'soiled' in globals()")).value == "False"

    async def test_modules_are_imported_ahead(self, preload: None, spares: ActorNursery) -> None:
        actor = await spares.start_actor()
        told = await actor.run_cell("import sys; 'colorsys' in sys.modules")
        assert told.value == "True"
