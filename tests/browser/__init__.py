"""What a person sees and clicks, in a real browser.

server      one JupyterLab server for all tests
notebook    a notebook that is open in JupyterLab or Notebook 7: run, look, save, reopen
panel       the panel in it: rows, buttons, and how soon a click is answered
traffic     what a kernel sends to a page, counted
"""
