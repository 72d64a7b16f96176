"""The full screens, one module each, and what they share (`base`). Only `beanops.tui.app` imports them."""
