"""Causes of failed jobs, from their bodies."""
