"""Dialogs: confirmation and progress (`confirm`), forms, the columns of a table, and the command palette."""
