"""What runs inside every actor, whatever the backend: standard library and msgpack, no more.

bootstrap.py   main(): hello, serve, goodbye
executor.py    one namespace; runs cells; what came of them as data
meter.py       what a run takes, if somebody wants to know
loops.py       trio and asyncio for cells with top-level await
interrupt.py   the fence that lets KeyboardInterrupt into a run and keeps it out of all else
async_exc.py   an exception raised in another thread
output/        what a cell prints, on its way to the control thread
orphan.py      what it does once its parent has gone
shared/        what a sub-interpreter needs because it shares the process of the kernel
control.py     the control thread: the only one that touches the socket
frames.py      length-prefixed msgpack frames, and the names of their kinds
"""
