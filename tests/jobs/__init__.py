"""Finding and reading jobs."""
