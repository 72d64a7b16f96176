"""The parts that views are made of, such as the table and the chart, each a `channel`, and the `root` that joins them.

They know no view; their other side is in ``page``.
"""
