"""What an actor is asked to do.

run.py          one run of a cell or call, and what comes of it
runs.py         those of one actor: sent in order, stopped, told what its child says
values.py       values into a run and out of it
asking.py       who answers when a cell asks
inspecting.py   looks inside, whatever runs
turns.py        queues by name: who came first is served first
"""
