"""Where threads are, and the tasks of trio and asyncio, while they go on.

threads.py  the stacks of all that goes on, as data
tasks.py    the tasks, and the frames of what they wait for

As in `inspection`, the control thread looks, and no code of the user's may run.
"""
