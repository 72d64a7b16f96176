"""Reads and acts in the tasks of an executor."""
