"""beanops."""
