"""The views of the actors: what %subints shows, and what it does.

actors.py   the actors listed, stopped, ended
tables.py   text tables
"""
