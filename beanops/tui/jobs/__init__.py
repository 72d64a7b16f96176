"""Jobs of a tube as they are found: read in a thread, counted, and what a user has chosen to see of them.

`feed` is one search, page by page, and `tail` the jobs as they are put; both post messages to a screen. `breakdown`
counts jobs by cause or by value, `breakdown_pane` shows that. `searches` and `chosen_columns` remember what the user
typed; `known_paths` is what can be completed. Screens and dialogs are above, widgets below.
"""
