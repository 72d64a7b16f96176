"""How a session and what it returns look in a notebook, made of what is known without asking anybody."""

from __future__ import annotations

from typing import TYPE_CHECKING

from beanops.html import card

if TYPE_CHECKING:
    from beanops.session.reservation import Reservation
    from beanops.session.session import Session


def session_html(session: Session) -> str:
    """Return which server a session is on, and how."""
    held = ", ".join(map(str, sorted(session.held)[:10]))
    return card(f"Session on {session.address}", {"read-only": session.read_only, "holds": held or None})


def reservation_html(reservation: Reservation) -> str:
    """Return which job is held, for how long, and the beginning of its body."""
    from beanops.jobs.bodies import decode, redact

    left = f"{reservation.time_left:.0f} s of {reservation.ttr:,} s" if reservation.held else "no longer held"
    facts = {"tube": reservation.tube, "time left": left, "priority": reservation.priority}
    return card(f"Job {reservation.id}, reserved", {**facts, "body": redact(decode(reservation.body).summary)})
