"""What a cell shows besides text, made in the actor.

traceback.py   tracebacks as Python or IPython shows them
"""
