"""Tests of the journal, on each database."""
