"""What a cell prints, on its way to the control thread.

streams.py   what stands in for sys.stdin, sys.stdout and sys.stderr
pipes.py     the pipes behind fd 1 and 2 of a process
outbox.py    messages on their way; printed text in batches, and what is over its limit dropped
"""
