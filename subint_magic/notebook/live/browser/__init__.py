"""The line to the browser: one comm for all views of a kernel.

page.py    its end in the kernel
page.js    its end in the page
said.py    what comes from there
sights.py  which views somebody looks at
"""
