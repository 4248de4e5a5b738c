"""What a cell prints, asks and starts, on its way to the control thread.

streams.py     what stands in for sys.stdout and sys.stderr
questions.py   what stands in for sys.stdin, input() and getpass()
pipes.py       the pipes behind fd 1 and 2 of a process
kin.py         what is told of the actors that this one has started itself
outbox.py      messages on their way; printed text in batches, and what is over its limit dropped
"""
