"""What a sub-interpreter needs because it shares the process of the kernel.

fence.py       how its code is stopped, which gets no signals
refusals.py    what it may not do to that process
offspring.py   the processes that it has started, which end with it
"""
