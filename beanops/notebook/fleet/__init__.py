"""The dashboard of several servers: `view` shows what `refresher` finds out of each, and acts by `actions`."""
