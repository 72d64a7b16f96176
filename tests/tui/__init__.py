"""The terminal dashboard, driven by keys on a real server."""
