"""The columns of tubes, jobs, runs and actions, defined once for all faces.

`column` says what a column is, the other modules which ones there are and which of them each face shows. How they are
laid out in a terminal, drawn on a page or printed is each face's own.
"""
