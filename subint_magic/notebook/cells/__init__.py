"""Cells on their way through actors, and what comes back to the notebook.

request.py     what a cell asks for
jobs.py        one cell on its way
foreground.py  one that the notebook waits for
background.py  the handle of one that runs in the background
compare.py     --compare: the same cell on every backend
hints.py       what to do about errors that come from where a cell runs
output.py      events to the right cell
asking.py      questions of cells, asked in the notebook or the terminal
"""
