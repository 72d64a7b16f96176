"""What the tests of the journal share: sessions that write into it."""

from tests.session.conftest import open_session, session, worker

__all__ = ["open_session", "session", "worker"]
