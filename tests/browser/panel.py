"""The panel of actors in a page: its rows, their buttons, and how soon a click shows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from playwright.sync_api import Locator, expect

if TYPE_CHECKING:
    from .notebook import Notebook

# A view is drawn anew whenever the document changes, so nothing is remembered in it.
_WATCH = """() => {
    const kinds = globalThis.watchedKinds = {};
    const look = () => {
        for (const { dataset: { name, kind } } of document.querySelectorAll("tr[data-actor]")) {
            const seen = kinds[name] ??= [];
            if (seen.at(-1) !== kind) seen.push(kind);
        }
    };
    new MutationObserver(look).observe(
        document.body, {subtree: true, childList: true, attributeFilter: ["data-kind"]});
    look();
}"""

# That a button looks pressed is the page's own doing, and that a time ticks too: what counts is
# what only the kernel can say.
_TIME_CLICK = """button => {
    const cell = button.closest(".jp-Cell");
    const row = button.closest("tr");
    const said = (row) => row?.dataset.kind + row?.querySelector(".subint-note")?.textContent;
    const now = () => said(cell.querySelector(`tr[data-name="${row.dataset.name}"]`));
    globalThis.answeredAfter = undefined;
    document.addEventListener("click", () => {
        const [clicked, before] = [performance.now(), now()];
        const observer = new MutationObserver(() => {
            if (now() === before) return;
            observer.disconnect();
            globalThis.answeredAfter = performance.now() - clicked;
        });
        observer.observe(
            cell, {subtree: true, childList: true, attributes: true, characterData: true});
    }, {once: true, capture: true});
}"""


_BARS = """view => {
    const lanes = [...view.querySelectorAll("g[data-lane]")].map(lane => [
        lane.dataset.lane,
        [...lane.querySelectorAll("rect")].map(bar => {
            const { left, right } = bar.getBoundingClientRect();
            return [bar.dataset.kind, left, right];
        }),
    ]);
    return Object.fromEntries(lanes);
}"""


class Panel:
    """A panel that `%subints` has shown.

    Args:
        notebook: where it is.
        index: of its cell.

    """

    def __init__(self, notebook: Notebook, index: int) -> None:
        self._notebook = notebook
        self._index = index

    @property
    def view(self) -> Locator:
        """Its element."""
        return self._notebook.view(self._index)

    def row(self, name: str) -> Locator:
        """The row of the live actor *name*."""
        return self.view.locator(f'tr[data-name="{name}"]:not(.subint-history tr)')

    def ended(self, name: str) -> Locator:
        """The row of the actor *name*, which has ended."""
        return self.view.locator(f'.subint-history tr[data-name="{name}"]')

    def lane(self, name: str) -> Locator:
        """The lane of the actor *name* in the timeline."""
        return self.view.locator(f'g[data-lane="{name}"]')

    def bars(self) -> dict[str, list[tuple[str, float, float]]]:
        """What each actor did when, in the timeline: kind, left and right in pixels."""
        return self.view.evaluate(_BARS)

    def button(self, name: str, action: str) -> Locator:
        """The button of the live actor *name*."""
        return self.row(name).locator(f'button[data-action="{action}"]')

    def expect_kind(self, name: str, kind: str) -> None:
        """Wait until the actor *name* does *kind*."""
        expect(self.row(name)).to_have_attribute("data-kind", kind)

    def expect_live(self, live: bool = True) -> None:
        """Wait until somebody listens to its buttons, or nobody, and it looks like that."""
        if live:
            expect(self.view).to_have_attribute("live", "")
            expect(self.view.locator(".subint-dead")).to_be_hidden()
        else:
            expect(self.view).not_to_have_attribute("live", "")
            expect(self.view.locator(".subint-dead")).to_be_visible()
            assert not any(button.is_visible() for button in self.view.locator("button").all())

    def watch(self) -> None:
        """Take note, from now on, of what each actor does."""
        self._notebook.page.evaluate(_WATCH)

    def watched(self, name: str) -> list[str]:
        """What the actor *name* was seen to do since `watch`, in order."""
        return self._notebook.page.evaluate("name => watchedKinds[name]", name)

    def click(self, name: str, action: str) -> None:
        """Click on a button of the actor *name*, and wait for the kernel's answer in the row.

        How long that took is written down.
        """
        button = self.button(name, action)
        button.evaluate(_TIME_CLICK)
        button.click()
        answered = self._notebook.page.wait_for_function("globalThis.answeredAfter")
        self._notebook.record(f"{action} {name}: answered after {answered.json_value():.0f} ms")
