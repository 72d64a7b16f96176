"""What each command does and what it answers: from a command line to calls of the state machine to a reply.

How arguments are read is in `arguments`, how a connection's bytes become lines and bodies in `dialogue`.
"""

from __future__ import annotations

import enum
from collections.abc import Callable
from typing import Any, NamedTuple

from beanops.embedded.arguments import (
    read_bound,
    read_bury,
    read_bury_1_11,
    read_id,
    read_id_1_11,
    read_name,
    read_pause,
    read_pause_1_11,
    read_put,
    read_put_1_11,
    read_release,
    read_release_1_11,
    read_timeout,
    read_timeout_1_12,
)
from beanops.embedded.dialects import Dialect
from beanops.embedded.machine import Machine
from beanops.embedded.model import Peer, StoredJob
from beanops.embedded.releases import release
from beanops.embedded.reports import Reports, tube_names
from beanops.protocol.limits import U32_MAX

BAD_FORMAT = b"BAD_FORMAT\r\n"
_NOT_FOUND = b"NOT_FOUND\r\n"
_UNKNOWN_COMMAND = b"UNKNOWN_COMMAND\r\n"


class Upload(NamedTuple):
    """The command is a put: the body of `job` follows it."""

    job: StoredJob


class Skip(NamedTuple):
    """Bytes that follow the command are thrown away before it is answered."""

    size: int
    reply: bytes


class Halt(enum.Enum):
    """The command is not answered yet, or never."""

    WAIT = enum.auto()
    QUIT = enum.auto()


Answer = bytes | Upload | Skip | Halt


class Service:
    """What all connections of one server share.

    Parameters
    ----------
    machine : Machine
        The queue.
    dialect : {"1.13", "1.12", "1.11", "1.10", "1.9", "1.8", "1.5", "1.4", "truncate", "cluster"}
        Which release of beanstalkd to be, or which fork.
    max_job_size : int
        Bytes that a body may have.
    stats_kept : float or None
        Seconds for which ``stats`` is answered from a cache; None leaves it to the dialect.
    nodes : int
        Servers with an id of their own that connections are with, in turn.
    max_memory : int or None
        Bytes of all bodies from which on a put is answered ``OUT_OF_MEMORY``.
    """

    def __init__(
        self,
        machine: Machine,
        dialect: Dialect,
        max_job_size: int,
        stats_kept: float | None = None,
        nodes: int = 1,
        max_memory: int | None = None,
    ) -> None:
        self.machine = machine
        self.release = release(dialect)
        self.max_job_size = max_job_size
        self.max_memory = max_memory
        kept = self.release.stats_kept if stats_kept is None else stats_kept
        self.reports = Reports(machine, self.release, max_job_size, kept, nodes)
        self._counts = self.reports.counts
        self._with_argument = dict(_WITH_ARGUMENT)
        if self.release.c_timeout:
            self._with_argument[b"reserve-with-timeout"] = _Form(read_timeout_1_12, _reserve_any)
        if self.release.old:
            self._with_argument |= _WITH_ARGUMENT_1_11
            del self._with_argument[b"reserve-job"]
        if not self.release.kicks_one:
            del self._with_argument[b"kick-job"]
        if self.release.truncates:
            self._with_argument[b"truncate"] = _Form(read_name, _truncate)

    def answer(self, client: Peer, line: bytes) -> Answer:
        """Do what a command line (without its CR LF) says."""
        if b"\0" in line:
            return BAD_FORMAT
        word, space, rest = line.partition(b" ")
        if space:
            form = self._with_argument.get(word)
            if form is not None:
                return self._do(word, form, client, rest)
        elif word in _ALONE:
            self._counts[word] += 1
            return _ALONE[word](self, client, None)
        # From here on beanstalkd knows a command by how the line starts.
        if line.startswith(b"quit"):
            return Halt.QUIT
        if line.startswith(b"pause-tube"):
            rest = line.removeprefix(b"pause-tube")
            return self._do(b"pause-tube", self._with_argument[b"pause-tube"], client, rest)
        known = line.startswith(tuple(_ALONE)) and not self.release.truncates
        return BAD_FORMAT if known else _UNKNOWN_COMMAND

    def _do(self, word: bytes, form: _Form, client: Peer, rest: bytes) -> Answer:
        argument = form.read(rest)
        if argument is None:
            return BAD_FORMAT
        self._counts[word] += 1
        return form.act(self, client, argument)

    def finish_put(self, job: StoredJob) -> bytes:
        """Answer a put whose body is there."""
        if not job.body.endswith(b"\r\n"):
            self.machine.queues.drop(job)
            return b"EXPECTED_CRLF\r\n"
        if self.machine.draining:
            self.machine.queues.drop(job)
            return b"DRAINING\r\n"
        self.machine.put(job)
        return b"INSERTED %d\r\n" % job.id


class _Form(NamedTuple):
    """How a command's argument is read, and what is done with it when it could be read."""

    read: Callable[[bytes], Any]
    act: Callable[[Service, Peer, Any], Answer]


def reserved(job: StoredJob) -> bytes:
    """Write the reply to a reserve."""
    return b"RESERVED %d %d\r\n%b" % (job.id, job.size, job.body)


def _found(job: StoredJob | None) -> bytes:
    if job is None:
        return _NOT_FOUND
    if job.state == "invalid":
        # beanstalkd shows whatever its memory held; what is still to come is shown as zeros.
        return b"FOUND %d %d\r\n%b\r\n" % (
            job.id,
            job.size,
            bytes(job.upload or b"").ljust(job.size, b"\0")[: job.size],
        )
    return b"FOUND %d %d\r\n%b" % (job.id, job.size, job.body)


def _payload(data: bytes) -> bytes:
    return b"OK %d\r\n%b\r\n" % (len(data), data)


def _put(service: Service, client: Peer, argument: tuple[int, int, int, int, bool]) -> Answer:
    priority, delay, ttr, size, complete = argument
    if size > service.max_job_size:
        # 32 bits there too, up to 1.11: one byte of the body is skipped where 2**32 - 1 are announced.
        return Skip(size + 2 & U32_MAX if service.release.old else size + 2, b"JOB_TOO_BIG\r\n")
    if not complete:
        return BAD_FORMAT
    if service.max_memory is not None and service.machine.queues.size + size > service.max_memory:
        return Skip(size + 2, b"OUT_OF_MEMORY\r\n")
    return Upload(service.machine.create(client, priority, delay, ttr, size))


def _use(service: Service, client: Peer, name: bytes) -> Answer:
    service.machine.use(client, name)
    return _using(service, client)


def _using(service: Service, client: Peer) -> bytes:
    reply = b"USING %b\r\n" % client.used.name
    # beanstalkd writes its replies to a buffer as long as a line, which in 1.10 is too short for the longest name.
    return reply if len(reply) < service.release.max_line else b"INTERNAL_ERROR\r\n"


def _watch(service: Service, client: Peer, name: bytes) -> Answer:
    service.machine.watch(client, name)
    return b"WATCHING %d\r\n" % len(client.watched)


def _ignore(service: Service, client: Peer, name: bytes) -> Answer:
    if not service.machine.ignore(client, name):
        return b"NOT_IGNORED\r\n"
    return b"WATCHING %d\r\n" % len(client.watched)


def _reserve_any(service: Service, client: Peer, timeout: int | None) -> Answer:
    machine = service.machine
    if timeout is not None and timeout < 0:
        timeout = None  # 1.12 waits without a limit then
    machine.mark_worker(client)
    if machine.deadline_soon(client) and not any(tube.ready for tube in client.watched.items):
        return b"DEADLINE_SOON\r\n"
    job = machine.reserve(client, timeout)
    return Halt.WAIT if job is None else reserved(job)


def _reserve_job(service: Service, client: Peer, job_id: int) -> Answer:
    job = service.machine.reserve_job(client, job_id)
    return _NOT_FOUND if job is None else reserved(job)


def _delete(service: Service, client: Peer, job_id: int) -> Answer:
    if not service.release.deletes_delayed:
        job = service.machine.queues.job(job_id)
        if job is not None and job.state == "delayed":
            return _NOT_FOUND
    return b"DELETED\r\n" if service.machine.delete(client, job_id) else _NOT_FOUND


def _release(service: Service, client: Peer, argument: tuple[int, int, int]) -> Answer:
    job_id, priority, delay = argument
    return b"RELEASED\r\n" if service.machine.release(client, job_id, priority, delay) else _NOT_FOUND


def _bury(service: Service, client: Peer, argument: tuple[int, int]) -> Answer:
    job_id, priority = argument
    return b"BURIED\r\n" if service.machine.bury(client, job_id, priority) else _NOT_FOUND


def _touch(service: Service, client: Peer, job_id: int) -> Answer:
    return b"TOUCHED\r\n" if service.machine.touch(client, job_id) else _NOT_FOUND


def _kick(service: Service, client: Peer, bound: int) -> Answer:
    return b"KICKED %d\r\n" % service.machine.kick(client.used, bound)


def _kick_job(service: Service, client: Peer, job_id: int) -> Answer:
    return b"KICKED\r\n" if service.machine.kick_job(job_id) else _NOT_FOUND


def _peek(service: Service, client: Peer, job_id: int) -> Answer:
    return _found(service.machine.queues.job(job_id))


def _peek_ready(service: Service, client: Peer, argument: None) -> Answer:
    return _found(client.used.ready.first())


def _peek_delayed(service: Service, client: Peer, argument: None) -> Answer:
    return _found(client.used.delayed.first())


def _peek_buried(service: Service, client: Peer, argument: None) -> Answer:
    return _found(next(iter(client.used.buried.values()), None))


def _stats(service: Service, client: Peer, argument: None) -> Answer:
    return _payload(service.reports.server(client.id))


def _stats_tube(service: Service, client: Peer, name: bytes) -> Answer:
    tube = service.machine.queues.find(name)
    return _NOT_FOUND if tube is None else _payload(service.reports.tube(tube))


def _stats_job(service: Service, client: Peer, job_id: int) -> Answer:
    job = service.machine.queues.job(job_id)
    return _NOT_FOUND if job is None else _payload(service.reports.job(job))


def _list_tubes(service: Service, client: Peer, argument: None) -> Answer:
    return _payload(tube_names(service.machine.queues.tubes.items))


def _list_tube_used(service: Service, client: Peer, argument: None) -> Answer:
    return _using(service, client)


def _list_tubes_watched(service: Service, client: Peer, argument: None) -> Answer:
    return _payload(tube_names(client.watched.items))


def _pause_tube(service: Service, client: Peer, argument: tuple[bytes, int]) -> Answer:
    name, seconds = argument
    if not name or (read_name(name) is None and not service.release.pauses_any_name):
        return BAD_FORMAT
    tube = service.machine.queues.find(name)
    if tube is None:
        return _NOT_FOUND
    service.machine.pause(tube, seconds)
    return b"PAUSED\r\n"


def _truncate(service: Service, client: Peer, name: bytes) -> Answer:
    tube = service.machine.queues.find(name)
    return _NOT_FOUND if tube is None else b"TRUNCATED %d\r\n" % service.machine.queues.truncate(tube)


_WITH_ARGUMENT = {
    b"put": _Form(read_put, _put),
    b"use": _Form(read_name, _use),
    b"watch": _Form(read_name, _watch),
    b"ignore": _Form(read_name, _ignore),
    b"reserve-with-timeout": _Form(read_timeout, _reserve_any),
    b"reserve-job": _Form(read_id, _reserve_job),
    b"delete": _Form(read_id, _delete),
    b"release": _Form(read_release, _release),
    b"bury": _Form(read_bury, _bury),
    b"touch": _Form(read_id, _touch),
    b"kick": _Form(read_bound, _kick),
    b"kick-job": _Form(read_id, _kick_job),
    b"peek": _Form(read_id, _peek),
    b"stats-tube": _Form(read_name, _stats_tube),
    b"stats-job": _Form(read_id, _stats_job),
    b"pause-tube": _Form(read_pause, _pause_tube),
}
_WITH_ARGUMENT_1_11 = {
    b"put": _Form(read_put_1_11, _put),
    b"delete": _Form(read_id_1_11, _delete),
    b"release": _Form(read_release_1_11, _release),
    b"bury": _Form(read_bury_1_11, _bury),
    b"touch": _Form(read_id_1_11, _touch),
    b"kick-job": _Form(read_id_1_11, _kick_job),
    b"peek": _Form(read_id_1_11, _peek),
    b"stats-job": _Form(read_id_1_11, _stats_job),
    b"pause-tube": _Form(read_pause_1_11, _pause_tube),
}
_ALONE: dict[bytes, Callable[[Service, Peer, None], Answer]] = {
    b"reserve": _reserve_any,
    b"peek-ready": _peek_ready,
    b"peek-delayed": _peek_delayed,
    b"peek-buried": _peek_buried,
    b"stats": _stats,
    b"list-tubes": _list_tubes,
    b"list-tube-used": _list_tube_used,
    b"list-tubes-watched": _list_tubes_watched,
}
