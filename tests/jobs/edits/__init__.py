"""Tests of edits of bodies."""
