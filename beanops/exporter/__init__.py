"""The Prometheus exporter: polls servers, and serves their metrics over HTTP.

`polling` looks at each server in a thread of its own, `metrics` names the metrics, `exposition` writes them as text,
`web_config` reads the file for TLS and passwords, `web_server` answers requests, and `service` runs it all. The Grafana
dashboard and the alert rules are files of this room. Imports `session` and the rooms below; the command line imports
it. It changes nothing on a server. Needs the extra ``beanops[exporter]``.
"""

from __future__ import annotations

from importlib.resources import files


def dashboard() -> str:
    """Return the Grafana dashboard, as JSON.

    Examples
    --------
    >>> import json
    >>> json.loads(dashboard())["title"]
    'beanstalkd'
    """
    return (files(__name__) / "dashboard.json").read_text("utf-8")


def rules() -> str:
    """Return the alert rules for Prometheus, as YAML.

    Examples
    --------
    >>> "alert: BeanstalkdDown" in rules()
    True
    """
    return (files(__name__) / "rules.yml").read_text("utf-8")
