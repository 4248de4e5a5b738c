"""What a person sees: magics, output, and the one place where all is wired.

magics.py          %%subint, %spawn_backend, %subints: arguments in, calls out
jobs.py            one cell on its way through an actor
background.py      the handle of one that runs in the background
output.py          events to the right cell
starting_cell.py   what comes to a cell long after it has ended
asking.py          questions of cells, asked in the notebook or the terminal
views/             what %subints and handles show, and what they do
extension.py       the composition root
"""
