"""How what runs is stopped.

interrupt.py   the fence that lets KeyboardInterrupt into a run and keeps it out of all else
async_exc.py   an exception raised in another thread
orphan.py      what a child does once its parent has gone
"""
