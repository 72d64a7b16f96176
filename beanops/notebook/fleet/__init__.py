"""The dashboard of several servers.

What lives here: the view (`view`), what it asks each server (`refresher`), its rows (`rows`) and buttons (`actions`).
"""
