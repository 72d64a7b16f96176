"""Tests of many servers as one, against three real servers."""
