"""Benchmarks: figures beside their limits, measured in the same run. ``python -m tests.bench`` prints them all.

Each ``bench_*.py`` has a ``main()``. Nothing here is a test: a figure below its target is said, not raised.
"""
