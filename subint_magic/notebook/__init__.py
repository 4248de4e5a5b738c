"""What a person sees: magics, output, and the one place where all is wired.

magics.py       %%subint, %spawn_backend, %subints: arguments in, calls out
jobs.py         one cell on its way through an actor
auto.py         -b auto: the cheapest backend that can run a cell
compare.py      --compare: the same cell on every backend
output.py       events to the right cell
completion.py   names and flags, while they are typed
post_mortem.py  %debug after the error of an actor
views/          what %subints shows and does
extension.py    the composition root
"""
