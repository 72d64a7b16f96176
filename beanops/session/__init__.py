"""Act, on the record."""
