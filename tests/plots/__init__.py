"""Tests of the still plots: what they say and mark, and what no text of a server does to them."""
