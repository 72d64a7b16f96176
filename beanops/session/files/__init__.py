"""Jobs in files: `export` and `import_` of JSON lines (`jsonl`), and named `samples`.

Imports the room `execution`, and `past_runs` to skip lines that were imported before. The session, its `recovery` and
the command line import this room.
"""
