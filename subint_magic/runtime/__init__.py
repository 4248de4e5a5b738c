"""How actors are supervised, with trio and without IPython.

lifecycle.py   states, triggers and the table of transitions
supervisor.py  watches one child: starts it, listens, puts it down in bounded time
actor.py       what one actor is asked, its state, its runs
runs/          what it is asked to do: cells, values, questions, queues
functions/     calls of functions
nursery.py     open_nursery(): all actors of one program
host/          trio as a guest on the kernel's Control-thread loop
"""
