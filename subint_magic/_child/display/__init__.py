"""What becomes of the values and displays of cells, as in IPython.

bundle.py     mime bundles on their way into a message
history.py    In, Out, _ and their kin
hook.py       the value of the last expression; the plain ones need no IPython
lazy.py       IPython's shell, made when something asks for it
shell.py      that shell
commands.py   !commands
libraries.py  what some libraries need in an actor
widgets.py    what stands in for widgets, which do not work in an actor

traceback.py  tracebacks as Python or IPython shows them

IPython is imported here only, and only once a cell needs it.
"""
