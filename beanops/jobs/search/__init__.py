"""Find jobs by asking for ids, in constant memory.

What lives here: the scan (`scan`), how high ids can be (`id_bounds`, `highest_id`), what is known of ids (`id_map`),
whether all jobs were found (`completeness`, `findings`), the first N in an order (`top_n`), and jobs as they are put
(`new_jobs`, `new_ids`). Imports what `jobs` may, and `jobs.sql`.
"""
