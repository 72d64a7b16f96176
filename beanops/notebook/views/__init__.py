"""The live views of a notebook, one module each, and what they share (`base`)."""
