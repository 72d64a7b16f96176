"""The actions of the dashboard, as data: what they apply to, ask for and do, and their outcomes."""
