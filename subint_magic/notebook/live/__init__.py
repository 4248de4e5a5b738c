"""What there is to see of the actors and runs, live in the browser.

board.py          all actors, made of what the nursery publishes
track.py          what one actor has done, as the timeline shows it
progress.py       one run
view.py           what changes and is shown, and the panel of all actors
run_view.py       the line of one run, above its output
screen.py         when each view is brought up to date, and what a click does
backlog.py        what the document is behind of, and what comes first
clicks.py         what a click on a button of an actor does
browser/          the line to the pages that show the notebook
starting_cell.py  what comes to a cell long after it has ended

    nursery ── events ──> board ──────> view ──────┐
    run ────── events ──> progress ──> run_view ───┴──> screen ──> browser

A view is HTML in the document, which a saved notebook, and a frontend without our script, shows as
it stands. Where the script is there, it keeps the view up to date between two saves, and passes on
clicks.
"""
