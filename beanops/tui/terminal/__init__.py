"""The terminal that the dashboard runs in: its driver, the order of typed keys, and the signals that end it."""
