"""How actors are supervised, with trio and without IPython.

lifecycle.py   states, triggers and the table of transitions
supervisor.py  watches one child: starts it, listens, puts it down in bounded time
actor.py       what one actor is asked, its state, its runs
runs/          what it is asked to do: cells, values, questions, queues
ladder.py      the stop ladder: its clock
functions/     calls of functions
imports/       what a cell or call imports: can it load there
nursery.py     open_nursery(): all actors of one program
spares/        booted actors that wait for who starts the next
events.py      what it publishes of them
usage.py       what an actor takes of the machine
descendants.py  the actors that an actor has started
host/          trio as a guest on the kernel's Control-thread loop
"""
