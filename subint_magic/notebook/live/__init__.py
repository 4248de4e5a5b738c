"""What there is to see of the actors and runs, live in the browser.

snapshot.py   what there is to see at one moment, as data
board.py      makes it of what the nursery publishes
page.py       the line to the browser: one comm for all views
screen.py     the views: when each is brought up to date, and what a click does
panel.py      the panel that %subints shows
run_line.py   the line above the output of a run
progress.py   how far a run is
view.py       what these two have in common, and the panel as a view
starting_cell.py  what comes to a cell long after it has ended

    nursery ── events ──> board ── snapshot ──> panel ──┐
    run ─────── events ────────────────────> run_line ──┴──> screen ──> page ──> browser

A view is HTML in the document, which a saved notebook, and a frontend without our script, shows as
it stands. Where the script (`page.js`) is there, it keeps the view up to date between two saves,
and passes on clicks.
"""
