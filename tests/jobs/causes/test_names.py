"""Names of causes that were published: a change of the rules that changes one has to raise `VERSION`.

Then the names here change too, all of them. Until the first release with groups they may change without that.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from beanops.jobs.bodies import Reader
from beanops.jobs.causes import Causes
from beanops.jobs.causes.cause import VERSION

#: By version: body, name, text.
PINNED: dict[int, list[tuple[Any, str, str]]] = {
    1: [
        (
            {"job": "Pay", "error": "Order 4711 of ann@example.com not found"},
            "g66253f11",
            "Pay: Order <n> of <n> not found",
        ),
        (
            {"job": "Pay", "error": "HTTP 404 for https://shop.example/orders/4711?x=1"},
            "g5f8599c4",
            "Pay: HTTP 404 for <n>",
        ),
        (
            {"error": {"class": "PDOException", "message": "SQLSTATE[42S02]: no table 'shop.orders' (SQL: select 1)"}},
            "g1ccc3347",
            "PDOException: SQLSTATE[42S02]: no table 'shop.orders' <sql>",
        ),
        (
            {"job": "Mail", "error": "Kunde Sabine Krüger (Nr. 10442) hat keine gültige Lieferadresse"},
            "g990e1ce2",
            "Mail: Kunde <n> (Nr. <n>) hat keine gültige Lieferadresse",
        ),
        (
            {
                "job": "Mail",
                "error_class": "Net::ReadTimeout",
                "error_message": "Net::ReadTimeout with #<TCPSocket:(closed)>",
            },
            "gc1efb13c",
            "Mail: Net::ReadTimeout: Net::ReadTimeout with #<TCPSocket:(closed)>",
        ),
        (
            {
                "task": "shop.pay",
                "exc_info": "Traceback (most recent call last):\n  File \"a.py\", line 3, in f\nKeyError: 'user'\n",
            },
            "g3a8f814c",
            "shop.pay: KeyError: 'user'",
        ),
        (
            {"displayName": "App\\Jobs\\SendMail", "data": {"command": 'O:1:"A":0:{}'}},
            "gf572bde9",
            "App\\Jobs\\SendMail",
        ),
        (
            {"user": 7, "items": [{"sku": "A", "qty": 2}], "paid": True, "note": None},
            "g1f1b9c2a",
            "{items:[{qty:number,sku:text}],note:null,paid:flag,user:number}",
        ),
        ([1, 2, 3], "gd605c19d", "[number]"),
        (b"hello world", "gd8d9c6f5", "text, up to 16 bytes"),
        (b"\x00\xff\x00", "gd5ef2268", "hex, up to 16 bytes"),
        (b"", "g06b9acce", "text, empty"),
    ]
}


@pytest.mark.parametrize(("body", "name", "text"), PINNED[VERSION])
def test_the_name_of_a_cause_is_the_published_one(body: Any, name: str, text: str) -> None:
    cause = Causes(Reader()).of(body if isinstance(body, bytes) else json.dumps(body).encode())
    assert (cause.name, cause.text) == (name, text)
