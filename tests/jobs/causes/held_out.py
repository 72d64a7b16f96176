"""Another thousand messages of 20 causes, written when the rules were done, to see what they make of others."""

from __future__ import annotations

from tests.jobs.causes.corpus import mixed

#: Templates of each cause, as in `corpus.CAUSES`.
CAUSES: dict[str, list[str]] = {
    "mysql: lock wait": ["(1205, 'Lock wait timeout exceeded; try restarting transaction') while saving {word}-{int}"],
    "mysql: gone away": ["(2006, 'MySQL server has gone away') while saving {word}-{int}"],
    "php: memory": ["Allowed memory size of 134217728 bytes exhausted (tried to allocate {int} bytes)"],
    "pid: killed": ["Worker (pid:{int}) was sent SIGKILL! Perhaps out of memory?"],
    "exit 137": ["process {path} ({int}) exited with code 137 after {clock}"],
    "exit 1": ["process {path} ({int}) exited with code 1 after {clock}"],
    "java: lock": [
        "Could not acquire lock on invoice {int} within {small} seconds, held by worker-{small1} ({pointer})"
    ],
    "windows: in use": [
        "The process cannot access the file 'C:\\Users\\{word}\\AppData\\{file}' because another process is using it."
    ],
    "jwt: expired": ["Token {jwt} expired at {iso} (issued for {email})"],
    "jwt: signature": ["Token {jwt} has an invalid signature (issued for {email})"],
    "address of a person": ["{person} has no postal address", "{person} has no postal address"],
    "insufficient funds": ["Payment of ${money} by {person} was declined: insufficient funds"],
    "card expired": ["Payment of ${money} by {person} was declined: card expired"],
    "too large": ["Upload '{file}' rejected: {size} exceeds the limit of {size1}"],
    "grpc": ["rpc error: code = Unavailable desc = connection error: dial tcp {ipport}: connect: connection refused"],
    "grpc: deadline": ["rpc error: code = DeadlineExceeded desc = context deadline exceeded after {small}.{small1}s"],
    "json in message": [
        'Unexpected response 422 from {host}: {{"errors":[{{"code":"invalid_vat","field":"vat","value":"{stripe}"}}]}}',
    ],
    "json in message, other code": [
        'Unexpected response 422 from {host}: {{"errors":[{{"code":"missing_vat","field":"vat","value":"{stripe}"}}]}}',
    ],
    "git": ["fatal: unable to access '{url}': Could not resolve host: {host}"],
    "version": ["Plugin {word} {version} requires core >= {version1}, found {version2}"],
}


def messages(seed: int = 14) -> list[tuple[str, str]]:
    """Return the cause and the message, in an order that mixes the causes."""
    return mixed(CAUSES, seed)
