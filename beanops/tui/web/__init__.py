"""The dashboard in a browser: `server` serves the pages and starts a `visit` for each visitor who may come in.

`login` finds out who a visitor is, `origins` keeps out what other sites make a browser send, `visitor` is the program
of a visitor's process. Needs the extra ``beanops[web]``, `passwords` excepted.
"""
