"""What runs inside every actor, whatever the backend: standard library and msgpack, no more.

bootstrap.py   main(): hello, serve, goodbye
inherit.py     what it takes over of its parent, and imports ahead
executor.py    one namespace; runs cells; what came of them as data
report.py      what is to be told of an exception
meter.py       what a run takes, if somebody wants to know
sources.py     the sources of cells, for tracebacks
loops.py       trio and asyncio for cells with top-level await
stacks/        looks inside while a cell runs
output/        what a cell prints and asks, on its way to the control thread
display/       what a cell shows, as IPython would
values/        values on their way in and out
stopping/      how what runs is stopped
shared/        what a sub-interpreter needs because it shares the process of the kernel
control.py     the control thread: the only one that touches the socket
frames.py      length-prefixed msgpack frames, and the names of their kinds
"""
