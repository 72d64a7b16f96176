"""Deliver notices to a channel, in a thread of its own, so that a slow receiver delays neither looks nor others."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from beanops.alerts.notifiers.notice import Notice, NotSent, Rejected
from beanops.alerts.rules import NotifierChannel
from beanops.alerts.secret import SecretMissing, hidden


class Delivered(NamedTuple):
    """How one delivery went.

    Attributes
    ----------
    channel : str
        Its name.
    notices : tuple of Notice
        What was sent.
    error : str
        Why it was not accepted; empty where it was. It holds no secrets.
    rejected : bool
        Whether it will never be accepted.
    wait : float or None
        Seconds after which the receiver asks to try again.
    last : bool
        Whether nothing more of what the courier was given follows.
    """

    channel: str
    notices: tuple[Notice, ...]
    error: str = ""
    rejected: bool = False
    wait: float | None = None
    last: bool = False


def deliver(channel: NotifierChannel, notices: Sequence[Notice]) -> Iterator[Delivered]:
    """Send notices in batches; stop at the first failure. A batch that is rejected is tried in halves."""
    size = channel.notifier.batch
    batches = [tuple(notices[start : start + size]) for start in range(0, len(notices), size)]
    while batches:
        batch = batches.pop(0)
        try:
            channel.notifier.send(batch)
        except Rejected as error:
            if len(batch) > 1:
                batches[:0] = [batch[: len(batch) // 2], batch[len(batch) // 2 :]]
            else:
                yield Delivered(channel.name, batch, _explained(channel, error), rejected=True)
        except (NotSent, SecretMissing) as error:
            yield Delivered(channel.name, batch, _explained(channel, error), wait=getattr(error, "wait", None))
            return
        else:
            yield Delivered(channel.name, batch)


def _explained(channel: NotifierChannel, error: Exception) -> str:
    """Return an error without the secrets of the channel, which a receiver may repeat."""
    secrets = []
    for secret in channel.notifier.secrets:
        try:
            secrets.append(secret.read())
        except SecretMissing:
            continue
    return hidden(str(error), secrets)


class Courier:
    """Delivers to one channel.

    Parameters
    ----------
    channel : NotifierChannel
        Whom to.
    report : callable
        Takes each `Delivered`, in the courier's thread.
    """

    def __init__(self, channel: NotifierChannel, report: Callable[[Delivered], None]) -> None:
        self._channel = channel
        self._report = report
        self._given: queue.SimpleQueue[Sequence[Notice] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, name=f"beanops-alert-{channel.name}", daemon=True)
        self._thread.start()

    def give(self, notices: Sequence[Notice]) -> None:
        """Deliver notices after those that it was given before."""
        self._given.put(notices)

    def _work(self) -> None:
        while (notices := self._given.get()) is not None:
            error = ""
            try:
                for delivered in deliver(self._channel, notices):
                    self._report(delivered)
            except Exception as unexpected:
                # A bug must not end all deliveries of this channel in silence; its text could hold anything.
                error = f"unexpected {type(unexpected).__name__}"
            self._report(Delivered(self._channel.name, (), error, last=True))

    def end(self) -> None:
        """End it after what it has been given."""
        self._given.put(None)
