"""Actors that are ready before anybody asks for one.

pool.py    how many there are, when they are started, and who gets one
memory.py  how much memory there is left for them
"""

from subint_magic.runtime.spares.pool import REST, Spares

__all__ = ["REST", "Spares"]
