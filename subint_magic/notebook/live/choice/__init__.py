"""What is shown where there is much.

rows.py   which actors of many, and the counts of the rest
spans.py  the stretch of time and the lanes of a timeline
"""
