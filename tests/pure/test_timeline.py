from xml.etree import ElementTree as ET

import pytest

from subint_magic.notebook.look.panel import panel_html
from subint_magic.notebook.look.snapshot import Bar, Kind, Lane, Part, Snapshot
from subint_magic.notebook.look.spans import Span, chart, occupancy
from subint_magic.notebook.look.timeline import timeline_svg, timeline_text

NOW = 1000.0
SVG = "{http://www.w3.org/2000/svg}"


def ran(begin: float, end: float | None, outcome: Kind | None = None) -> Bar:
    parts = (Part(Kind.BOOTING, begin - 1, begin), Part(Kind.RUNNING, begin, end))
    return Bar(parts, "f(1 < 2)", outcome)


def lane(name: str, *bars: Bar, ended: bool = False) -> Lane:
    return Lane(name, "subint", bars, ended)


def at(*lanes: Lane) -> Snapshot:
    return Snapshot(NOW, 1e9, lanes=lanes)


def places(svg: str, kind: Kind = Kind.RUNNING) -> dict[str | None, list[tuple[float, float]]]:
    """Where in each lane something begins and ends, in per cent of the width."""
    found = {}
    for group in ET.fromstring(svg).iter(f"{SVG}g"):
        if "data-lane" in group.attrib:
            rects = [rect.attrib for rect in group.iter(f"{SVG}rect")]
            spans = [
                (float(rect["x"].rstrip("%")), float(rect["width"].rstrip("%")))
                for rect in rects
                if rect["data-kind"] == kind
            ]
            found[group.get("data-lane")] = [(x, x + width) for x, width in spans]
    return found


def test_runs_at_the_same_time_are_above_each_other():
    svg = timeline_svg(at(lane("a", ran(980, None)), lane("b", ran(985, 995))))
    [(a_begin, a_end)], [(b_begin, b_end)] = places(svg).values()
    assert a_begin < b_begin < b_end < a_end


def test_runs_one_after_the_other_can_be_told_apart():
    [(_, end), (begin, _)] = places(timeline_svg(at(lane("a", ran(980, 990), ran(991, None)))))["a"]
    assert end < begin
    svg = timeline_svg(at(lane("a", ran(980, 990), Bar((Part(Kind.RUNNING, 990, None),)))))
    [(_, end), (begin, _)] = places(svg)["a"]
    assert end < begin


def test_a_bar_says_what_it_was_and_how_it_ended():
    svg = timeline_svg(at(lane("a", ran(980, 990, Kind.KILLED), ended=True)))
    titles = [title.text for title in ET.fromstring(svg).iter(f"{SVG}title")]
    assert "a (subint): f(1 < 2) – booting 1.0 s, running 10.0 s, killed" in titles
    assert "†" in "".join(ET.fromstring(svg).itertext())


def test_nothing_was_started_yet():
    assert timeline_svg(at()) == timeline_text(at()) == ""
    assert timeline_svg(at(lane("a"))) == ""


@pytest.mark.parametrize(
    ("bars", "begin", "end"),
    [
        ([ran(999.5, None)], 995, NOW),  # the first moments
        ([ran(971, None)], 970, NOW),
        ([ran(500, 510), ran(971, None)], 970, NOW),  # too old to be of interest
        ([ran(945, 950), ran(971, None)], 944, NOW),
        ([ran(101, 950), ran(991, None)], 940, NOW),  # only its end is of interest
        ([ran(1, None)], 400, NOW),
        ([ran(401, 420), ran(421, 430)], 400, 430),  # it stands still
    ],
)
def test_the_stretch_of_time(bars: list[Bar], begin: float, end: float):
    shown = chart(at(lane("a", *bars)))
    assert shown is not None
    assert (shown.span.begin, shown.span.end) == (begin, end)
    assert shown.span.moving == (end == NOW)


def test_of_a_thousand_runs_the_latest_are_shown():
    runs = [Bar((Part(Kind.RUNNING, 900 + n / 10, 900.09 + n / 10),)) for n in range(1000)]
    snapshot = at(lane("a", *runs), lane("b", ran(960, None)))
    assert 50 < len(places(timeline_svg(snapshot))["a"]) < 100
    assert len(panel_html(snapshot)) < 40_000


@pytest.mark.parametrize("seconds", [0.5, 5, 7.3, 31, 60, 200, 600])
def test_there_are_few_ticks_and_they_are_round(seconds: float):
    ticks = Span(NOW - seconds, NOW, moving=True).ticks
    assert 2 <= len(ticks) <= 6
    assert all(NOW - seconds <= moment < NOW for moment, _ in ticks)


def test_what_began_before_is_marked():
    assert "«" in timeline_svg(at(lane("a", ran(1, None))))
    assert "«" not in timeline_svg(at(lane("a", ran(990, None))))


def crowd() -> Snapshot:
    lanes = [lane(f"worker-{n}", ran(960 + n / 10, None if n % 2 else 990)) for n in range(198)]
    lanes.append(lane("odd", ran(970, 971, Kind.FAILED), ended=True))
    lanes.append(lane("long", ran(950, None)))
    return at(*lanes)


def test_many_lanes_are_one_band_but_for_those_of_interest():
    root = ET.fromstring(timeline_svg(crowd()))
    assert int(root.get("height", "0")) <= 300
    lanes = [group for group in root.iter(f"{SVG}g") if "data-lane" in group.attrib]
    names = [group.get("data-lane") for group in lanes]
    assert {"odd", "long"} <= set(names)
    counts = [int(group.get("data-count", "1")) for group in lanes]
    assert sum(counts) == 200
    assert {path.get("data-kind") for path in lanes[-1].iter(f"{SVG}path")} == {
        "booting",
        "running",
    }
    assert "192 × worker-…" in timeline_text(crowd())


def test_a_band_loses_nothing():
    span = Span(0, 100, moving=True)
    lanes = [lane("a", ran(1, 33.3)), lane("b", ran(20.01, 20.02)), lane("c", ran(50, None))]
    seen = occupancy(lanes, span, 10)
    assert sum(seen[Kind.RUNNING]) * 10 == pytest.approx(32.3 + 0.01 + 50, abs=0.05)
    assert seen[Kind.RUNNING][-1] == 1
    assert seen[Kind.RUNNING][4] == 0


def test_the_page_stays_small():
    assert len(panel_html(crowd())) < 40_000


def test_a_timeline_of_letters():
    snapshot = at(
        lane("a", Bar((Part(Kind.QUEUED, 960, 970), Part(Kind.RUNNING, 970, None)))),
        lane("bcd", ran(981, 991, Kind.FAILED), ended=True),
    )
    assert timeline_text(snapshot, 20) == (
        "The last 40 s until now:\n"
        "a    |.....===============|  1 run, last running 30.0 s\n"
        "bcd  |          =====!    |  1 run, last running 10.0 s, failed\n"
        "      = running  ^ booting  . queued  ! failed"
    )
