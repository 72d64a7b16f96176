"""The binlog, read without a server."""
