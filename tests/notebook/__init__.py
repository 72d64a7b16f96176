"""The notebook: tables and views in Python, the same in a real browser, and the notebooks themselves."""
