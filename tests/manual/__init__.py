"""The manual and the README: what they show runs, what they link to exists, and every reader finds them."""
