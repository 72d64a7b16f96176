"""How many jobs of each class are put, from a few bodies, without a word of what is in them."""

from __future__ import annotations

import json
from random import Random

import pytest

from beanops import Client
from beanops.jobs.bodies import Reader
from beanops.monitor.survey import Surveyor
from beanops.monitor.times.job_classes import BODIES, CLASSES, ClassSample


class Clock:
    seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


def body(name: str) -> bytes:
    return json.dumps({"displayName": name, "data": {"password": "s3cret"}}).encode()


def test_classes_have_rates_and_few_bodies_are_read(client: Client) -> None:
    clock = Clock()
    surveyor = Surveyor(clock, follow=True, classify=Reader(["*password*"]).job_class)
    surveyor.look(client)
    for _ in range(20):
        for name in ("App\\Jobs\\SendMail",) * 3 + ("App\\Jobs\\Bill",):
            client.put(body(name), tube="mail")
        peeks = client.stats().cmd_peek
        clock.seconds += 1
        seen = surveyor.look(client).tubes["mail"]
        assert client.stats().cmd_peek - peeks <= BODIES
    first, second = seen.classes
    assert (first.name, second.name) == ("App\\Jobs\\SendMail", "App\\Jobs\\Bill")
    assert first.puts_per_s == pytest.approx(3, abs=0.6)
    assert second.puts_per_s == pytest.approx(1, abs=0.6)


def test_jobs_that_are_gone_before_they_can_be_read_have_no_class(client: Client) -> None:
    clock = Clock()
    surveyor = Surveyor(clock, follow=True, classify=Reader().job_class)
    surveyor.look(client)
    for _ in range(20):
        client.put(body("Slow"), tube="mail")
        for _ in range(3):
            client.delete(client.put(body("Quick"), tube="mail"))
        clock.seconds += 1
        seen = surveyor.look(client).tubes["mail"]
    slow, unknown = seen.classes
    assert (slow.name, unknown.name, unknown.jobs) == ("Slow", None, 0)
    assert slow.puts_per_s == pytest.approx(1, abs=0.1)
    assert unknown.puts_per_s == pytest.approx(3, abs=0.1)


@pytest.mark.parametrize(
    ("sent", "name"),
    [
        (b'{"task": "shop.tasks.charge", "args": ["4711"]}', "shop.tasks.charge"),
        (b'{"job_class": "Mail::DeliveryJob"}', "Mail::DeliveryJob"),
        (b'{"task": "to ann@example.com"}', None),
        (b'{"task": "\\u001b]52;c;aGk=\\u0007"}', None),
        (b'{"password": "s3cret", "type": "s3cret words"}', None),
        (b'{"class": "' + b"x" * 500 + b'"}', None),
        (b"\x00\xff", None),
        (b"", None),
    ],
)
def test_only_what_may_be_a_class_is_one(sent: bytes, name: str | None) -> None:
    assert Reader(["*password*"]).job_class(sent) == name


def test_a_class_under_a_secret_key_is_not_read() -> None:
    assert Reader(["task"]).job_class(b'{"task": "shop.tasks.charge"}') is None


def test_of_very_many_classes_the_rare_ones_share_a_line(client: Client) -> None:
    sample = ClassSample(lambda body: body.decode(), Random(1))
    for number in range(100):
        id = client.put(f"Class{number}".encode() if number % 2 else b"Common", tube="mail")
        sample.look(client, [client.stats_job(id)], 100.0)
    found = sample.classes("mail", 100.0, 10.0, 1.0)
    assert len(found) == CLASSES + 1
    assert found[0] == ("Common", 50, 5.0)
    assert found[-1].name is None
    assert sum(one.puts_per_s or 0 for one in found) == pytest.approx(10)
    sample.forget(["mail"])
    assert sample.classes("mail", 100.0, 10.0, 1.0) == ()
