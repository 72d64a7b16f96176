"""How a session and what it returns look in a notebook, made of what is known without asking anybody."""

from __future__ import annotations

from typing import TYPE_CHECKING

from beanops.html import card

if TYPE_CHECKING:
    from beanops.session.reservation import Reservation
    from beanops.session.session import Session


#: Ids of held jobs that are named.
MOST_HELD = 10


def session_html(session: Session) -> str:
    """Return which server a session is on, and how."""
    held = sorted(session.held)
    more = f" and {len(held) - MOST_HELD:,} more" if len(held) > MOST_HELD else ""
    holds = f"{', '.join(map(str, held[:MOST_HELD]))}{more}" if held else None
    known = session.protection.now
    facts = {"label": known.label or None, "read-only": known.read_only, "holds": holds}
    return card(f"Session on {session.address}", facts)


def reservation_html(reservation: Reservation) -> str:
    """Return which job is held, for how long, and the beginning of its body."""
    left = f"{reservation.time_left:.0f} s of {reservation.ttr:,} s" if reservation.held else "no longer held"
    facts = {"tube": reservation.tube, "time left": left, "priority": reservation.priority}
    return card(f"Job {reservation.id}, reserved", {**facts, "body": reservation.kept.summary})
