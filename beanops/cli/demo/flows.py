"""The tubes of the demo, as data: what is put into each, how often, and who works on it."""

from __future__ import annotations

from typing import NamedTuple

from beanops.cli.demo import bodies
from beanops.cli.demo.bodies import Failure, Maker


class Flow(NamedTuple):
    """One tube with its producer and its workers.

    Attributes
    ----------
    tube : str
        Its name.
    makers : tuple of Maker
        What its bodies are, in turn.
    every : float
        Seconds between two puts.
    burst : int
        Jobs of one put.
    workers : int
        How many there are.
    takes : float
        Seconds that a worker needs for a job, on average.
    backlog : int
        Jobs that are there from the start.
    priority, ttr : int
        Of its jobs.
    delay : int
        Most seconds that a job is delayed, 0 for none.
    retries : float
        Share of the jobs that are released with a delay instead of being done.
    failures : tuple of Failure
        Errors with which jobs fail: each is one cause, whatever the ids in its message.
    fails : float
        Share of the jobs that have failed before and are tried once more, with the error in their body. Every other
        one fails again and is buried.
    buried : int
        Jobs that were buried before the start.
    """

    tube: str
    makers: tuple[Maker, ...]
    every: float
    burst: int = 1
    workers: int = 1
    takes: float = 0.1
    backlog: int = 0
    priority: int = 65536
    ttr: int = 60
    delay: int = 0
    retries: float = 0.0
    failures: tuple[Failure, ...] = ()
    fails: float = 0.0
    buried: int = 0


_CARD = ("App\\Exceptions\\CardDeclined", "The issuer declined charge ch_{hex}: insufficient funds")
_GATEWAY = (
    "GuzzleHttp\\Exception\\ConnectException",
    "cURL error 28: Operation timed out after {number} milliseconds for https://pay.example.com/v1/charges/ch_{hex}",
)
_DEADLOCK = (
    "Illuminate\\Database\\QueryException",
    "SQLSTATE[40001]: Serialization failure: 1213 Deadlock found when trying to get lock"
    " (SQL: update invoices set paid = 1 where id = {number})",
)
_CUSTOMER = (
    "Illuminate\\Database\\Eloquent\\ModelNotFoundException",
    "No query results for model [App\\Models\\Customer] {number}",
)
_VAT = ("ErrorException", 'Undefined array key "vat_id"')
_BOUNCE = ("Swift_TransportException", "550 5.1.1 mailbox {number} unavailable")

FLOWS = (
    Flow("mail", (bodies.mail,), every=0.2, workers=3, takes=0.4, backlog=30, failures=(_BOUNCE,), fails=0.04),
    Flow("thumbnails", (bodies.thumbnail, bodies.image), every=8, burst=40, workers=2, takes=0.35, backlog=25),
    Flow(
        "billing",
        (bodies.invoice,),
        every=0.7,
        workers=1,
        takes=0.5,
        priority=512,
        retries=0.15,
        # Some errors are more common than others, also among those that were there before.
        failures=(*[_CARD] * 6, *[_GATEWAY] * 4, *[_DEADLOCK] * 3, *[_CUSTOMER] * 2, _VAT),
        fails=0.16,
        buried=320,
    ),
    Flow("webhooks", (bodies.webhook,), every=0.5, workers=2, takes=0.3, backlog=8, delay=15, ttr=30),
    Flow("exports", (bodies.export,), every=5, workers=1, takes=4, backlog=4, ttr=120),
    Flow("newsletter", (bodies.newsletter,), every=3, workers=1, takes=0.2, backlog=150, delay=1800),
    # Its workers are gone.
    Flow("reports", (bodies.report,), every=2.5, workers=0, backlog=60),
)

#: The tube and the body of a job that no worker ever finishes.
POISON_TUBE = "webhooks"
POISON = b'{"event": "order.paid", "url": "https://tarpit.example.com/hooks", "order": {"id": 666}}'
POISON_TTR = 2
