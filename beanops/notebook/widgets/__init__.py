"""The parts that views are made of, such as the table and the chart, each a `channel`, and the `root` that joins them.

They know no view. The other side of each is in a folder of ``page``; `page_files` joins those of a view.
"""
