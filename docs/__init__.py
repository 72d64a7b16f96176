"""Tools that build the manual; the pages are in ``beanops/manual``."""
