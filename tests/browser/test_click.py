"""Temporary: that a click on HTML in an output reaches a kernel whose cell blocks."""

import pytest
from kernel.harness import Gate
from playwright.sync_api import expect

from .conftest import Opener
from .server import Server

# A view's title is the milliseconds from the last click to its answer.
HUB = '''
import anywidget
from IPython.display import display

class Hub(anywidget.AnyWidget):
    _esm = """
export default {
  initialize({ model }) {
    customElements.define("subint-view", class extends HTMLElement {
      connectedCallback() {
        this.setAttribute("live", "");
        this.onclick = () => { this.clicked = performance.now(); model.send("click"); };
        model.on("msg:custom", html => {
          this.innerHTML = html;
          this.title = performance.now() - this.clicked;
        });
      }
    });
  }
};
"""

hub = Hub()
clicks = 0

def route(data, default):
    global clicks
    if data.get("content") == "click":
        clicks += 1
        hub.send(f"<button>clicked {clicks}</button>")
    return default

hub.comm._reply_subshell_for = route
html = "<subint-view><button>clicked 0</button></subint-view>"
display({"text/html": html, "text/plain": "a button"}, raw=True)
'''


@pytest.mark.parametrize("subshells", ["perCommTarget", "disabled"])
def test_a_click_is_answered_while_a_cell_blocks(
    open_notebook: Opener, server: Server, gate: Gate, subshells: str
):
    server.configure("apputils-extension/kernels-settings", commsOverSubshells=subshells)
    notebook = open_notebook(HUB, f"print('blocks')\n{gate.code}")
    notebook.run(0)
    view = notebook.view(0)
    expect(view).to_have_attribute("live", "")
    notebook.start(1)
    expect(notebook.output(1)).to_have_text("blocks")
    times = []
    for number in range(1, 6):
        view.get_by_role("button").click()
        expect(view).to_have_text(f"clicked {number}")
        times.append(float(view.get_attribute("title") or "inf"))
    print(f"{subshells}: answered after {times} ms")
    assert sorted(times)[2] < 200
    gate.open()
    notebook.wait(1)
