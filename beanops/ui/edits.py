"""What an edit makes of a job, in words and as a difference, from the redacted sample of a dry run."""

from __future__ import annotations

from beanops.jobs.bodies.edits import differences
from beanops.journal.records import Intent


def difference(intent: Intent) -> list[str]:
    """Return the lines of the difference that an edit makes in a redacted body."""
    old, new = intent.body, intent.new_body
    if old is None or new is None:
        return []
    return differences(old, new) or ["\\ only hidden values differ"] * bool(intent.digest is None)


def what_changes(intent: Intent) -> list[str]:
    """Return the changes of a job besides those of its body, such as ``"priority 5 -> 7"``."""
    parts: list[tuple[str, object, object]] = [
        ("state", intent.state_before, intent.new_state),
        ("tube", intent.tube, intent.put_into),
        ("priority", intent.priority_before, intent.priority),
        ("delay", intent.delay_before, intent.delay),
    ]
    return [f"{name} {old} -> {new}" for name, old, new in parts if old != new and new is not None]
