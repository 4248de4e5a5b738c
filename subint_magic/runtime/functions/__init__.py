"""Functions whose calls run in actors.

calls.py       what goes in, and what comes back as if it had been called here
default.py     the host of actors for code that has none of its own
decorator.py   @subint and map, for code that knows nothing of trio
"""
