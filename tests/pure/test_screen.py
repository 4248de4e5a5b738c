"""When views are brought up to date: no browser and no kernel, and trio's clock."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import trio
import trio.lowlevel

from subint_magic.notebook.live.browser.said import Click, Sight, read
from subint_magic.notebook.live.screen import PANELS, Screen
from subint_magic.notebook.live.view import Panel
from subint_magic.runtime.nursery import open_nursery
from subint_magic.testing.fake import HELLO, FakePeer, fake_method
from subint_magic.wire.messages import Done, Interrupt, Output, Run

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Mapping

    from trio.testing import MockClock

    from subint_magic.runtime.nursery import ActorNursery


class Messages(list[tuple[float, str, Any]]):
    """What went to the browser: when, what, and the views or the bundle."""

    def add(self, what: str, content: Any) -> None:
        self.append((trio.current_time(), what, content))

    def of(self, what: str) -> list[Any]:
        return [content for _, kind, content in self if kind == what]

    @property
    def most_in_a_second(self) -> int:
        times = [when for when, *_ in self]
        return max(sum(start <= when < start + 1 for when in times) for start in times)


class Cell:
    """A place in a document."""

    can_update = True

    def __init__(self, messages: Messages, number: int = 1) -> None:
        self._messages = messages
        self._number = number

    def update(self, bundle: dict[str, str], display_id: str) -> None:
        self._messages.add("document", (display_id, bundle))

    def same_as(self, other: Cell) -> bool:
        return self._number == other._number


class Line:
    """The page's end of the line, and ours."""

    def __init__(self, messages: Messages) -> None:
        self.messages = messages
        self.hear: Callable[[Click | Sight], object]
        self.opened = False
        self.closed = False

    def open(self, _hub: str, hear: Callable[[Click | Sight], object]) -> Any:
        self.hear = hear
        self.opened = True
        return self

    def send(self, views: Mapping[str, str | None]) -> None:
        self.messages.add("page", dict(views))

    def close(self) -> None:
        self.closed = True

    def see(self, *keys: str) -> None:
        self.hear(Sight("page", frozenset(keys), frozenset(keys)))


class View:
    """A view that says how often it was asked."""

    def __init__(self, messages: Messages) -> None:
        self.id = uuid4().hex
        self.cell: Any = Cell(messages)
        self.settled = False
        self.asked = 0
        self.clicks = 0

    def ticks(self, *, seen: bool) -> bool:
        return False

    def html(self, *, document: bool = False) -> str:
        self.asked += 1
        return f"<b>{self.asked}</b>"

    def text(self) -> str:
        return str(self.asked)

    def click(self) -> None:
        self.clicks += 1


class Stage:
    """A host that is trio itself."""

    def __init__(self, tasks: trio.Nursery, nursery: ActorNursery) -> None:
        self._tasks, self._nursery = tasks, nursery

    def start(self, function: Callable[..., Any], *args: object) -> None:
        begun = function(self._nursery, *args)
        self._tasks.start_soon(lambda: begun)

    def call_soon(self, function: Callable[..., object], *args: object) -> None:
        trio.lowlevel.current_trio_token().run_sync_soon(function, *args)


class Scene:
    """A screen with what it stands on."""

    def __init__(self, screen: Screen, line: Line, nursery: ActorNursery) -> None:
        self.screen, self.line, self.nursery = screen, line, nursery
        self.messages = line.messages

    def view(self) -> View:
        view = View(self.messages)
        self.screen.add(view)
        return view

    async def opened(self) -> None:
        """Wait for the line. The clock must not jump meanwhile, as it knows of no thread."""
        while self.screen._page is None:
            await trio.lowlevel.checkpoint()

    async def quiet(self) -> None:
        """Wait until nothing is left to be sent, nor to be measured in a thread."""
        while self.screen.board.unmeasured or self.screen._measuring:
            while self.screen._measuring:
                await trio.lowlevel.checkpoint()
            await trio.sleep(10)
        await trio.sleep(100)

    def panel(self, number: int = 1) -> Panel:
        panel = Panel(self.screen.board, Cell(self.messages, number))  # type: ignore[arg-type]
        self.screen.add(panel)
        return panel


@asynccontextmanager
async def a_screen() -> AsyncGenerator[Scene]:
    line = Line(Messages())
    async with open_nursery(strict=False) as nursery, trio.open_nursery() as tasks:
        screen = Screen(Stage(tasks, nursery), line.open)  # type: ignore[arg-type]
        yield Scene(screen, line, nursery)
        tasks.cancel_scope.cancel()
    assert line.closed == line.opened


async def chatty(peer: FakePeer) -> None:
    """Prints a lot in each run, for ten seconds."""
    await peer.say(HELLO)
    while True:
        run = await peer.hear(Run)
        for number in range(1000):
            await peer.say(Output(run.run, "stdout", f"{number}\n"))
            await trio.sleep(0.01)
        await peer.say(Done(run.run, "ok"))


async def interruptible(peer: FakePeer) -> None:
    await peer.say(HELLO)
    while True:
        run = await peer.hear(Run)
        await peer.hear(Interrupt)
        await trio.sleep(0.5)
        await peer.say(Done(run.run, "interrupted"))


async def test_whatever_changes_ten_messages_a_second_are_enough(autojump_clock: MockClock):
    async with a_screen() as scene:
        views = [scene.view() for _ in range(200)]
        panel = scene.panel()
        await scene.opened()
        scene.line.see(panel.id, *(view.id for view in views))
        method = fake_method(chatty)
        async with trio.open_nursery() as tasks:
            for number in range(200):
                actor = await scene.nursery.start_actor(f"a{number}", spawn_method=method)
                scene.screen.touch(views[number])
                if number < 20:
                    tasks.start_soon(actor.run_cell, "x")
        await scene.quiet()
        assert scene.messages.most_in_a_second <= 10
        last = scene.messages.of("page")[-1]
        assert "200 actors" in next(html for key, html in last.items() if key == panel.id)
        assert {key for key, _ in scene.messages.of("document")} == {
            panel.id,
            *(view.id for view in views),
        }
        count = len(scene.messages)
        await trio.sleep(1000)
        assert len(scene.messages) == count, "an idle panel sends nothing"


async def test_without_a_page_the_document_follows(autojump_clock: MockClock):
    async with a_screen() as scene:
        view = scene.view()
        await scene.opened()
        scene.screen.touch(view)
        await trio.sleep(1)
        ((key, bundle),) = scene.messages.of("document")
        assert key == view.id
        assert bundle["text/plain"] == "1"
        assert bundle["text/html"].startswith('<subint-view hub="')
        assert scene.messages.of("page") == []
        panel = scene.panel()
        actor = await scene.nursery.start_actor("a", spawn_method=fake_method(chatty))
        await actor.run_cell("x")
        await trio.sleep(1)
        assert 3 < len(scene.messages) <= 10, "less and less often while nothing but time passes"
        assert "999" in scene.messages.of("document")[-1][1]["text/plain"]
        assert scene.messages.of("document")[-1][0] == panel.id


async def test_what_nobody_sees_is_not_sent_to_pages(autojump_clock: MockClock):
    async with a_screen() as scene:
        view, other = scene.view(), scene.view()
        await scene.opened()
        scene.line.see(view.id)
        scene.screen.touch(other)
        await trio.sleep(5)
        assert scene.messages.of("page") == [{view.id: "<b>1</b>"}]
        scene.line.see(view.id, other.id)
        await trio.sleep(1)
        assert set(scene.messages.of("page")[-1]) == {view.id, other.id}


async def test_a_view_that_is_over_is_told_so(autojump_clock: MockClock):
    async with a_screen() as scene:
        view = scene.view()
        await scene.opened()
        scene.line.see(view.id)
        await trio.sleep(1)
        view.settled = True
        scene.screen.touch(view)
        await trio.sleep(1)
        assert len(scene.messages.of("document")) == 1
        assert list(scene.messages.of("page")[-1]) == [view.id]
        scene.line.see(view.id)  # a page that was loaded again
        await trio.sleep(1)
        assert scene.messages.of("page")[-1] == {view.id: f"<b>{view.asked}</b>"}
        scene.line.see("nobody knows it")
        await trio.sleep(1)
        assert scene.messages.of("page")[-1] == {"nobody knows it": None}


async def test_a_page_that_says_nothing_any_more_is_forgotten(autojump_clock: MockClock):
    async with a_screen() as scene:
        view = scene.view()
        await scene.opened()
        scene.line.see(view.id)
        for _ in range(100):
            scene.screen.touch(view)
            await trio.sleep(1)
        assert 50 < len(scene.messages.of("page")) < 70
        scene.line.see(view.id)
        await trio.sleep(1)
        assert list(scene.messages.of("page")[-1]) == [view.id]


async def test_the_last_word_is_in_the_document_at_once(autojump_clock: MockClock):
    async with a_screen() as scene:
        view = scene.view()
        view.settled = True
        scene.screen.touch(view)
        assert len(scene.messages.of("document")) == 1


async def test_what_has_changed_last_is_in_the_document_at_the_end(autojump_clock: MockClock):
    async with a_screen() as scene:
        view = scene.view()
        scene.screen.touch(view)
    assert len(scene.messages.of("document")) == 1


async def test_a_click_is_answered_at_once_and_says_what_came_of_it(autojump_clock: MockClock):
    async with a_screen() as scene:
        panel = scene.panel()
        await scene.opened()
        scene.line.see(panel.id)
        actor = await scene.nursery.start_actor("a", spawn_method=fake_method(interruptible))
        async with trio.open_nursery() as tasks:

            async def run() -> None:
                try:
                    await actor.run_cell("x")
                except Exception as error:  # noqa: BLE001 - it is what was asked for
                    assert "stopped by its Interrupt button" in str(error)  # noqa: PT017

            tasks.start_soon(run)
            await trio.sleep(10)
            begun = trio.current_time()
            scene.line.hear(Click("interrupt", "a1"))
            await trio.sleep(0.2)
            when, what, views = next(each for each in scene.messages if each[0] > begun)
            assert (what, when - begun <= 0.2) == ("page", True)
            assert "interrupt: asked" in views[panel.id]
        await trio.sleep(3)
        assert "interrupt: stopped within 0.5" in scene.messages.of("page")[-1][panel.id]
        scene.line.hear(Click("interrupt", "a77"))  # it has ended
        scene.line.hear(Click("nonsense", "a1"))
        await trio.sleep(1)


async def test_close_does_nothing_to_one_that_has_begun_to_run(autojump_clock: MockClock):
    async with a_screen() as scene:
        panel = scene.panel()
        actor = await scene.nursery.start_actor("a", spawn_method=fake_method(chatty))
        async with trio.open_nursery() as tasks:
            tasks.start_soon(actor.run_cell, "x")
            await scene.opened()
            await trio.sleep(1)
            scene.line.hear(Click("close", "a1"))
            await trio.sleep(1)
            assert "not closed: it runs a cell" in panel.text()


async def test_the_button_of_a_view_is_its_own(autojump_clock: MockClock):
    async with a_screen() as scene:
        view = scene.view()
        await scene.opened()
        scene.line.hear(Click("cancel", view.id))
        await trio.sleep(1)
        assert view.clicks == 1


async def test_a_cell_that_runs_again_has_one_panel(autojump_clock: MockClock):
    async with a_screen() as scene:
        shown = [
            (await scene.screen._new_panel(None, Cell(scene.messages, number)))[0]  # type: ignore[arg-type]
            for number in (1, 1, *range(2, PANELS + 2))
        ]
        scene.messages.clear()
        scene.screen._board_changed(True)
        await trio.sleep(5)
        kept = {key for key, _ in scene.messages.of("document")}
        assert kept == {panel.id for panel in shown[2:]}, "its last, and the last of all"


def test_what_a_page_says():
    assert read({"page": "p", "count": 1, "seen": ["a"], "fresh": []}) == Sight(
        "p", frozenset("a"), frozenset()
    )
    click = {"action": "kill", "actor": "a1"}
    assert read({"page": "p", "count": 2, "click": click}) == Click("kill", "a1")
    click = {"action": "cancel", "run": "x"}
    assert read({"page": "p", "count": 3, "click": click}) == Click("cancel", "x")
