"""Widgets that Python and the page share: the table and the chart, both a `channel`. They know no view."""
