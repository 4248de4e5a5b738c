"""The views of the actors: what %subints shows, and what it does.

actors.py   the actors listed, stopped, ended
inside.py   where an actor is, and what it has
tables.py   text tables
"""
