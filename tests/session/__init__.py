"""Tests of acting on the record, against real servers and databases."""
