"""Recordings: what is written, read back and replayed."""
