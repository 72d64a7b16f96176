"""What the screen of all tubes knows of them beside the survey; nothing here shows anything.

What lives here: tubes that are summed up in one row, by name (`groups`) or because no worker watches them (`idle`),
which names a filter lets through (`filters`), and why the jobs of a tube failed (`causes`). The session is below it,
widgets and screens are above.
"""
