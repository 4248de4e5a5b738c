"""The views of actors and runs: what %subints shows, and what it does.

actors.py   the actors listed, stopped, ended
inside.py   where an actor is, and what it has
runs.py     a background run in one line
methods.py  the spawn methods
tables.py   text tables
"""
