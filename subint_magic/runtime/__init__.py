"""How actors are supervised, with trio and without IPython.

lifecycle.py   states, triggers and the table of transitions
actor.py       supervises one actor
nursery.py     open_nursery(): all actors of one program
host.py        trio as a guest on the kernel's Control-thread loop
"""
