"""The doctor: is all well with beanops, its files and its servers, and what is to be done if not.

What lives here: a `Diagnosis` (`diagnosis`), those of this machine and the terminal (`machine`), of configuration,
journal and recording (`own_files`), and of a server (`server`); all of them (`examination`, `frames`), and the support
bundle (`bundle`). Imports what `session` may, but not the session itself: it works without a server.
"""
