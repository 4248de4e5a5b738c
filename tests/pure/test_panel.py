import re
import time
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import pytest

from subint_magic.notebook.look.kinds import ENDED, SIGNS
from subint_magic.notebook.look.panel import panel_html, panel_text, style_sheet
from subint_magic.notebook.look.rows import choose
from subint_magic.notebook.look.run_line import run_html, run_text
from subint_magic.notebook.look.snapshot import Bar, Kind, Lane, Part, Row, RunState, Snapshot

NOW = 100.0
EVIL = "<script>alert(1)</script>\"'&"


def a_row(name: str, kind: Kind, **more: Any) -> Row:
    told = {"id": f"id of {name}", "depth": 0, "backend": "subint", "where": "interpreter 1"}
    return Row(name=name, kind=kind, **(told | more))


MAIN = a_row(
    "main",
    Kind.RUNNING,
    source="train()",
    elapsed=12.3,
    age=30,
    cpu=1.5,
    memory=2**20,
    copied_in=120,
    shared_out=2**21,
    waiting=1,
    last_line="epoch 7",
    note="told to stop",
    actions=("interrupt", "cancel"),
)
CHILD = a_row("child", Kind.IDLE, depth=1, backend="mp_spawn", where="pid 7", age=8)
OLD = a_row("old", Kind.KILLED, id="", age=3, outcome="killed: it did not end in time")
LANES = (Lane("main", "subint", (Bar((Part(Kind.RUNNING, 80, None),)),)),)
SMALL = Snapshot(NOW, 1e9, (MAIN, CHILD), (OLD,), LANES)

TEXT = """\
2 actors: 1 running, 1 idle; 1 cell waiting

name     backend   where          state      run   age   CPU     memory   in     out             waiting  current cell
main     subint    interpreter 1  ► running  12 s  30 s  1.50 s  1.0 MiB  120 B  2.0 MiB shared  1        train() | epoch 7 | (told to stop)
  child  mp_spawn  pid 7          ○ idle           8 s   –       –

Ended:
name  backend  where          state     run  age  CPU  memory  in  out  waiting  current cell
old   subint   interpreter 1  † killed       3 s  –    –                         killed: it did not end in time

The last 20 s until now:
main  |============================================================|  1 run, last running 20.0 s
       = running"""  # noqa: E501


class Elements(HTMLParser):
    """Collects elements: tag, attributes, and the text inside."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data

    def having(self, tag: str, attribute: str) -> list[dict[str, str | None]]:
        return [found for name, found in self.found if name == tag and attribute in found]


def test_the_text_says_it_all():
    assert panel_text(SMALL) == TEXT


def test_the_html_says_the_same():
    text = Elements(panel_html(SMALL)).text
    for words in (
        "2 actors: 1 running, 1 idle; 1 cell waiting",
        "► running",
        "+1 waiting",
        "12 s",
        "age 30 s",
        "1.50 s",
        "1.0 MiB",
        "↓ 120 B",
        "↑ 2.0 MiB",
        "train()",
        "epoch 7",
        "told to stop",
        "† killed",
        "lived 3 s",
        OLD.outcome,
        time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(1e9)),
    ):
        assert words in text


def test_rows_are_found_by_id_name_and_kind():
    rows = Elements(panel_html(SMALL)).having("tr", "data-actor")
    assert [(row["data-actor"], row["data-name"], row["data-kind"]) for row in rows] == [
        ("id of main", "main", "running"),
        ("id of child", "child", "idle"),
        ("", "old", "killed"),
    ]


def test_only_what_goes_on_ticks():
    times = [found for tag, found in Elements(panel_html(SMALL)).found if tag == "time"]
    assert [found.get("data-since") for found in times] == ["12.3", "30.0", "8.0", None]


def test_there_are_buttons_for_what_can_be_done_and_in_one_order():
    more = replace(CHILD, actions=("close", "kill", "cancel"))
    page = Elements(panel_html(replace(SMALL, rows=(MAIN, more))))
    buttons = page.having("button", "data-action")
    assert [(button["data-action"], button["data-actor"]) for button in buttons] == [
        ("interrupt", "id of main"),
        ("cancel", "id of main"),
        ("cancel", "id of child"),
        ("kill", "id of child"),
        ("close", "id of child"),
    ]
    assert buttons[0]["aria-label"] == "Interrupt main"
    assert "keep the actor" in str(buttons[0]["title"])


def test_nothing_is_there_yet():
    there_is_none = "There is no actor. Start one with %%subint -n NAME."
    nothing = Snapshot(NOW, 0)
    assert panel_text(nothing) == there_is_none
    assert there_is_none in Elements(panel_html(nothing)).text


def test_whatever_it_is_called_it_is_text():
    row = a_row(EVIL, Kind.RUNNING, id=EVIL, backend=EVIL, where=EVIL, source=EVIL)
    row = replace(row, last_line=EVIL, note=EVIL, actions=("cancel",))
    ended = replace(row, kind=Kind.FAILED, outcome=EVIL)
    lane = Lane(EVIL, EVIL, (Bar((Part(Kind.RUNNING, 90, None),), EVIL),))
    many = tuple(replace(row, note="") for _ in range(20))
    lanes = tuple(replace(lane, name=f"{EVIL}{number}") for number in range(30))
    for snapshot in (
        Snapshot(NOW, 0, (row,), (ended,), (lane,)),
        Snapshot(NOW, 0, many, (), lanes),
    ):
        page = Elements(panel_html(snapshot))
        assert "script" not in {tag for tag, _ in page.found}
        assert {row["data-name"] for row in page.having("tr", "data-name")} == {EVIL}
    line = RunState(EVIL, EVIL, EVIL, Kind.FAILED, 1, True, EVIL, EVIL, True)
    page = Elements(run_html(line))
    assert "script" not in {tag for tag, _ in page.found}
    assert page.having("button", "data-run")[0]["data-run"] == EVIL


def test_of_many_those_that_do_something_are_shown_and_the_rest_is_counted():
    rows = [a_row(f"a{number}", Kind.IDLE) for number in range(200)]
    for number in (7, 150):
        rows[number] = replace(rows[number], kind=Kind.RUNNING)
    rows[190] = replace(rows[190], note="closed")
    rows[199] = replace(rows[199], backend="mp_spawn")
    snapshot = Snapshot(NOW, 0, tuple(rows))
    shown = choose(rows, 12)
    names = [row.name for row in shown.rows]
    assert names == [*(f"a{number}" for number in range(10)), "a150", "a190"]
    assert panel_text(snapshot).startswith("200 actors: 2 running, 198 idle\n")
    assert "… and 188 more: subint 187 idle; mp_spawn 1 idle" in panel_text(snapshot)
    text = Elements(panel_html(snapshot)).text
    assert "… and 188 more" in text
    assert "187 idle" in text


def test_who_started_a_shown_actor_is_shown_above_it():
    rows = [a_row(f"a{number}", Kind.IDLE, depth=number % 3) for number in range(60)]
    rows[59] = replace(rows[59], kind=Kind.RUNNING)  # below a58, which is below a57
    names = [row.name for row in choose(rows, 5).rows]
    assert names[-3:] == ["a57", "a58", "a59"]


def test_each_kind_has_a_sign_of_its_own():
    assert set(SIGNS) == set(Kind)
    assert len({sign.icon for sign in SIGNS.values()}) == len(Kind)
    assert len({sign.mark for sign in SIGNS.values()}) == len(Kind)
    for kind in Kind:
        assert f'[data-kind="{kind}"]' in style_sheet()


@pytest.mark.parametrize(
    ("run", "text"),
    [
        (RunState("1", "main", "subint", Kind.RUNNING, 12.3), "main (subint): running 12 s"),
        (
            RunState("1", "main", "subint", Kind.DONE, 1.23, False, last_line="ready"),
            "main (subint): done after 1.2 s | ready",
        ),
        (
            RunState("1", "main", "subint", Kind.CANCELLED, 75, False, outcome="timed out"),
            "main (subint): timed out after 1:15 min",
        ),
    ],
)
def test_a_run_in_one_line(run: RunState, text: str):
    assert run_text(run) == text
    page = Elements(run_html(run))
    assert page.having("div", "data-kind")[0]["class"] == "subint-run"
    assert len(page.having("time", "data-since")) == (run.kind not in ENDED)
    for words in (*text.partition(": ")[0].split(), run.last_line, run.outcome):
        assert words in page.text
    assert page.having("button", "data-run") == []


# the look


def luminance(colour: str) -> float:
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return sum(share * c for share, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def themes() -> list[dict[str, str]]:
    """The colours of a light and of a dark page, those that stand in for a theme included."""
    value = re.compile(r"--subint-([\w-]+):\s*(?:var\([\w-]+,\s*)?(#[0-9a-f]{6})\)?")
    blocks = [value.findall(block) for block in re.findall(r"\{([^{}]*)\}", style_sheet())]
    return [dict(block) for block in blocks if len(block) > 10]


@pytest.mark.parametrize("theme", themes(), ids=["light", "dark"])
def test_all_text_can_be_read(theme: dict[str, str]):
    pairs = {(text, paper) for text in ("text", "muted-text") for paper in ("paper", "raised")}
    tones = [name.removesuffix("-fill") for name in theme if name.endswith("-fill")]
    assert len(tones) == 7
    pairs |= {(f"{tone}-text", f"{tone}-paper") for tone in tones}
    pairs |= {(f"{tone}-text", "paper") for tone in tones}  # signs in the timeline, and Kill
    for text, paper in pairs:
        assert contrast(theme[text], theme[paper]) >= 4.5, (text, paper)
    for tone in tones:
        assert contrast(theme[f"{tone}-fill"], theme["paper"]) >= 3, tone


def test_the_look_needs_nothing_from_elsewhere():
    assert "url(" not in style_sheet()
    assert "@import" not in style_sheet()
