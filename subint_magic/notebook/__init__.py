"""What a person sees: magics, output, and the one place where all is wired.

magics.py       %%subint, %spawn_backend, %subints: arguments in, calls out
arguments.py    the line of a magic, and one line for what is wrong with it
cells/          cells on their way through actors, and what comes back
views/          what %subints and handles show, and what they do
look/           how actors and runs look
live/           views of them that are kept up to date, and their buttons
completion.py   names and flags, while they are typed
post_mortem.py  %debug after the error of an actor
hidden.py       frames that no traceback of the notebook shows
commands.py     !command of the notebook itself, while sub-interpreters live
extension.py    the composition root
"""
