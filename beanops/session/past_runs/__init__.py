"""What is done with runs in the journal: query them (`journal_reader`), undo, resume and verify them.

What lives here: `journal_reader`, `undo`, `recovery` (resume and verify), and `remembered`, which finds jobs under the
ids that later runs gave them. Imports the room `execution`. Only the session and its files import this room.
"""
