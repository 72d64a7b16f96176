"""A thousand messages of errors: 20 causes with 50 messages each, written without a look at the rules.

Some causes differ in one word, a code or a name of code, which must not be taken for what varies: these pairs stand
together. Some messages of one cause differ in their lines, or in parts that not all have.
"""

from __future__ import annotations

from random import Random

from tests.jobs.causes.values import Values

#: Templates of each cause, which are taken in turn. Fields are methods of `Values`.
CAUSES: dict[str, list[str]] = {
    "stripe: no such customer": [
        "No such customer: 'cus_{stripe}'; a similar object exists in test mode, but a live mode key was used.",
    ],
    "postgres: unique e-mail": [
        'duplicate key value violates unique constraint "users_email_key"\n'
        "DETAIL:  Key (email)=({email}) already exists.",
    ],
    "postgres: unique invoice": [
        'duplicate key value violates unique constraint "invoices_number_key"\n'
        "DETAIL:  Key (number)=(RE-2026-{int}) already exists.",
    ],
    "redis: out of memory": [
        "OOM command not allowed when used memory > 'maxmemory'. script: {sha}, on @user_script:{small}.",
    ],
    "kafka: no metadata": [
        "Topic orders-{city}-{small} not present in metadata after {int} ms.",
        "Topic {word}-{small} not present in metadata after {int} ms.",
    ],
    "go: deadline": [
        'Post "{url}": context deadline exceeded (Client.Timeout exceeded while awaiting headers)',
    ],
    "go: no such host": [
        "dial tcp: lookup {host} on {ip}:53: no such host",
    ],
    "german: no address": [
        "Kunde {person} (Nr. {int}) hat keine gültige Lieferadresse",
    ],
    "french: no file": [
        "Le fichier « {file} » est introuvable dans {path}",
        "Le fichier « {word} de {first}.docx » est introuvable dans {path}",
    ],
    "spanish: cancelled": [
        "El pedido {int} de {person} ya fue cancelado el {date} a las {clock}",
    ],
    "japanese: balance": [
        "ユーザー{int}の残高が不足しています（必要: {money}円、残高: {money1}円）",
    ],
    "aws: access denied": [
        "Access Denied (Service: Amazon S3; Status Code: 403; Error Code: AccessDenied; Request ID: {hexid}; "
        "S3 Extended Request ID: {base64})",
    ],
    "aws: slow down": [
        "Please reduce your request rate. (Service: Amazon S3; Status Code: 503; Error Code: SlowDown; "
        "Request ID: {hexid}; S3 Extended Request ID: {base64})",
    ],
    "node: shippingAddress of undefined": [
        "Cannot read properties of undefined (reading 'shippingAddress')\n"
        "    at ship (/app/{word}.js:{small}:{small1})",
    ],
    "node: currency of undefined": [
        "Cannot read properties of undefined (reading 'currency')\n    at total (/app/{word}.js:{small}:{small1})",
    ],
    "http: bad gateway": [
        "Request to {url} failed with status code 502 after {int}ms",
    ],
    "http: too many requests": [
        "Request to {url} failed with status code 429 after {int}ms",
    ],
    "mail: over quota": [
        "Could not deliver invoice {uuid} to {person} <{email}>: mailbox is over quota ({percent})",
        "Could not deliver invoice {ulid} to {person} <{email}>: mailbox is over quota ({percent})",
    ],
    "mail: user unknown": [
        "Could not deliver invoice {uuid} to {person} <{email}>: user unknown on {host}",
    ],
    "elasticsearch: version conflict": [
        "[{objectid}]: version conflict, current version [{int}] is different than the one provided [{int1}]",
    ],
}
EACH = 50


def messages(seed: int = 13) -> list[tuple[str, str]]:
    """Return the cause and the message, in an order that mixes the causes."""
    return mixed(CAUSES, seed)


def mixed(causes: dict[str, list[str]], seed: int) -> list[tuple[str, str]]:
    """Return messages of causes that are given as templates."""
    random = Random(seed)
    made = [
        (cause, templates[number % len(templates)].format_map(Values(random)))
        for cause, templates in causes.items()
        for number in range(EACH)
    ]
    random.shuffle(made)
    return made
