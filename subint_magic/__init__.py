"""Run notebook cells in sub-interpreter and process actors."""

__version__ = "0.1.0"
