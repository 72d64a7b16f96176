"""Find and read jobs."""
