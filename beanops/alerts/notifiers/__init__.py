"""Ways to notify: `webhook`, `slack`, `pagerduty` and `alertmanager` over HTTP, a `command`, and `mail`.

`notice` is what they send, `http` how those that speak HTTP do it, and `registry` finds one by its type.
"""
