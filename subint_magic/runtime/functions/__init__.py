"""Functions whose calls run in actors.

calls.py       what goes in, and what comes back as if it had been called here
default.py     the host of actors for code that has none of its own
options.py     how calls are made, and what is wrong before there is any
waiting.py     blocks who makes a call until it has ended
spread.py      calls spread over several actors
function.py    a function whose calls run in actors
decorator.py   @subint and map, for code that knows nothing of trio
"""
