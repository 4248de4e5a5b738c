"""How actors are supervised, with trio and without IPython.

lifecycle.py   states, triggers and the table of transitions
supervisor.py  watches one child: starts it, listens, puts it down in bounded time
actor.py       what one actor is asked, its state, its runs
run.py         one run of a cell or call, and what comes of it
values.py      values into a run and out of it
functions/     calls of functions
asking.py      who answers when a cell asks
turns.py       queues by name: who came first is served first
nursery.py     open_nursery(): all actors of one program
host/          trio as a guest on the kernel's Control-thread loop
"""
