"""Looks inside while cells run: where threads and tasks are, and the variables.

threads.py     the stacks of all that goes on, as data
tasks.py       the tasks of trio and asyncio, and the frames of what they wait for
inspection.py  the variables of a namespace, and the completions of names

It is the control thread that looks, and no code of the user's may run.
"""
