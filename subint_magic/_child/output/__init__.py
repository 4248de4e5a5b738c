"""What a cell prints and asks, on its way to the control thread.

streams.py     what stands in for sys.stdout and sys.stderr
questions.py   what stands in for sys.stdin, input() and getpass()
pipes.py       the pipes behind fd 1 and 2 of a process
outbox.py      messages on their way; printed text in batches, and what is over its limit dropped
"""
