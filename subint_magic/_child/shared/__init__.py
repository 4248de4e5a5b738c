"""What a sub-interpreter needs because it shares the process of the kernel.

refusals.py    what it may not do to that process
offspring.py   the processes that it has started, which end with it
"""
