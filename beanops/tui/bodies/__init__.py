"""What widgets show of a body: its text in one form (`forms`), or the value at a path (`path`); no widget is here."""
