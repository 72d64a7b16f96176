"""Bodies of failed jobs as frameworks write them, each with the job's class, the error's class and its message."""

from __future__ import annotations

import base64
import json
from typing import Any

_DETAILS = {
    "exceptionClass": "App\\Exception\\Declined",
    "exceptionCode": 0,
    "exceptionMessage": "Card 4711 declined",
    "flattenException": None,
}
_TRACEBACK = (
    "Traceback (most recent call last):\n"
    '  File "/app/tasks.py", line 12, in run\n    pay(order)\n'
    "shop.errors.Declined: Card 4711 declined\n"
)

ENVELOPES: dict[str, tuple[Any, str, str, str]] = {
    "Laravel, a row of failed jobs": (
        {
            "connection": "beanstalkd",
            "payload": json.dumps({"displayName": "App\\Jobs\\Pay", "data": {"command": "O:1"}}),
            "exception": "App\\Declined: Card 4711 declined in /var/www/app/Pay.php:53\nStack trace:\n#0 {main}",
        },
        "App\\Jobs\\Pay",
        "App\\Declined",
        "Card <n> declined",
    ),
    "Symfony Messenger, JSON": (
        {
            "body": '{"id": 7}',
            "headers": {
                "type": "App\\Message\\Pay",
                "X-Message-Stamp-Symfony\\Component\\Messenger\\Stamp\\ErrorDetailsStamp": json.dumps([_DETAILS]),
            },
        },
        "App\\Message\\Pay",
        "App\\Exception\\Declined",
        "Card <n> declined",
    ),
    "Celery, protocol 1, with its result": (
        {
            "task": "shop.pay",
            "args": [1],
            "status": "FAILURE",
            "result": {"exc_type": "Declined", "exc_message": ["Card 4711 declined"], "exc_module": "shop"},
        },
        "shop.pay",
        "Declined",
        "Card <n> declined",
    ),
    "Celery, protocol 2": (
        {
            "headers": {"task": "shop.pay", "id": "1"},
            "body": base64.b64encode(b'[[1], {}, {"errbacks": null}]').decode(),
            "traceback": _TRACEBACK,
        },
        "shop.pay",
        "shop.errors.Declined",
        "Card <n> declined",
    ),
    "Active Job": (
        {"job_class": "PayJob", "arguments": [1], "exception_executions": {"[Declined]": 2}},
        "PayJob",
        "Declined",
        "",
    ),
    "Sidekiq": (
        {
            "class": "PayJob",
            "args": [1],
            "error_class": "Declined",
            "error_message": "Card 4711 declined",
            "failed_at": 1769860000.5,
            "retry_count": 3,
        },
        "PayJob",
        "Declined",
        "Card <n> declined",
    ),
    "Resque": (
        {
            "failed_at": "2026/01/31 12:00:00",
            "payload": {"class": "PayJob", "args": [1]},
            "exception": "Declined",
            "error": "Card 4711 declined",
            "backtrace": ["/app/pay.rb:5"],
        },
        "PayJob",
        "Declined",
        "Card <n> declined",
    ),
    "Faktory": (
        {
            "jid": "abc",
            "jobtype": "PayJob",
            "args": [1],
            "failure": {"retry_count": 1, "errtype": "Declined", "message": "Card 4711 declined", "backtrace": []},
        },
        "PayJob",
        "Declined",
        "Card <n> declined",
    ),
    "Bull": (
        {
            "id": "1",
            "name": "pay",
            "data": {"order": 1},
            "opts": {"attempts": 3},
            "failedReason": "Declined: Card 4711 declined",
            "stacktrace": ["DeclinedError: Card 4711 declined\n    at pay (/app/pay.js:3:5)"],
        },
        "pay",
        "",
        "Declined: Card <n> declined",
    ),
    "RQ": (
        {"func_name": "shop.pay", "status": "failed", "exc_info": _TRACEBACK},
        "shop.pay",
        "shop.errors.Declined",
        "Card <n> declined",
    ),
    "delayed_job": (
        {
            "handler": "--- !ruby/object:PayJob\norder: 1\n",
            "attempts": 3,
            "last_error": "Card 4711 declined\n/app/pay.rb:5:in `perform'",
        },
        "PayJob",
        "",
        "Card <n> declined",
    ),
    "Sentry": (
        {
            "event_id": "fc6d8c0c43fc4630ad850ee518f1b9d0",
            "exception": {"values": [{"type": "Declined", "value": "Card 4711 declined"}]},
        },
        "",
        "Declined",
        "Card <n> declined",
    ),
    "Elastic Common Schema": (
        {"error": {"type": "Declined", "message": "Card 4711 declined", "stack_trace": "..."}},
        "",
        "Declined",
        "Card <n> declined",
    ),
    "OpenTelemetry": (
        {"attributes": {"exception.type": "Declined", "exception.message": "Card 4711 declined"}},
        "",
        "Declined",
        "Card <n> declined",
    ),
    "problem+json": (
        {"type": "about:blank", "title": "Payment Required", "status": 402, "detail": "Card 4711 declined"},
        "",
        "Payment Required",
        "402 Card <n> declined",
    ),
    "encoded string": (
        {"task": "shop.pay", "result": json.dumps({"error": {"class": "Declined", "message": "Card 4711 declined"}})},
        "shop.pay",
        "Declined",
        "Card <n> declined",
    ),
}
