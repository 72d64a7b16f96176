"""How the journal is stored: the database (`database`, `url`), its tables and their versions (`tables`, `schema`), the
conditions of queries (`queries`) and reading actions (`outcomes`, `columns`). The journal's room imports it; of others,
the configuration hides passwords with `url`.
"""
