"""Sample and watch."""
