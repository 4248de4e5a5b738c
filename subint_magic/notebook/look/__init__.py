"""How the actors and runs look: plain data in, text and HTML out.

snapshot.py  what there is to see at one moment, as data
kinds.py     the sign and the words of each kind of doing
panel.py     all actors, as text and as HTML
rows.py      which of many actors are shown, and the counts of the rest
timeline.py  a bar for each run, as text and as SVG
spans.py     the stretch of time and the lanes that it shows
run_line.py  one run in one line
look.css     colours, sizes and themes
"""
