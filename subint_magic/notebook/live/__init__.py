"""The views that move: what there is to see of the actors, and how it looks.

snapshot.py  what there is to see, as plain data
kinds.py     the sign and the words of each kind of doing
choice/      what is shown where there is much
panel.py     the panel as text and as HTML
timeline.py  the timeline as SVG and as text
run_line.py  one run in one line
live.css     the look of all of them
"""
