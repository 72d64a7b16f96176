"""What is done with runs in the journal: query them (`journal_reader`), undo, resume and verify them.

What lives here: `journal_reader`, `undo`, `recovery` (resume and verify), `migrations` (the same for runs on two
servers), and `remembered`, which finds jobs under the ids that later runs gave them. Imports the rooms `execution` and
`transfer`. The session and its files, `fleet` and `migration` import this room.
"""
