"""Where the rules file and the state file are."""

from __future__ import annotations

import os
from pathlib import Path

from beanops.session.config import config_path


def rules_path() -> Path:
    """Return the path of the rules file, which may not exist: ``alerts.toml`` beside the configuration."""
    return config_path().with_name("alerts.toml")


def state_path() -> Path:
    """Return where the daemon keeps its state: ``BEANOPS_ALERTS``, or a file in the user's data directory."""
    if named := os.environ.get("BEANOPS_ALERTS"):
        return Path(named)
    from platformdirs import user_data_path

    return user_data_path("beanops") / "alerts.json"
