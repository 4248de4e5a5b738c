"""What holds for the cells of an actor.

basics.py     what they run, print and raise
displays.py   what they show
shown.py      which of their values they show, and their histories
asking.py     what they ask their user
values.py     values that go in and come out, and functions
inside.py     how they look from outside while they run, and their tracebacks
"""
