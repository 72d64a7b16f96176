"""One connection without its socket: bytes in, replies out, framed exactly as beanstalkd frames them.

What a command means is in `dispatch`. What a peer can make this hold is bounded: a line, a body that the limits
allow, and what the caller hands in without looking at `held` or takes out without looking at its own output.
"""

from __future__ import annotations

import enum
from collections.abc import Callable

from beanops.embedded.dispatch import BAD_FORMAT, Halt, Service, Skip, Upload, reserved
from beanops.embedded.model import Outcome, StoredJob

#: Bytes of replies after which a turn ends, so that they can be sent first.
MAX_UNSENT = 65536


class Mode(enum.Enum):
    """What the next bytes of a connection are."""

    COMMAND = enum.auto()
    BODY = enum.auto()
    SKIP = enum.auto()
    LONG_LINE = enum.auto()
    WAIT = enum.auto()
    CLOSED = enum.auto()


class Dialogue:
    """The protocol's side of one connection to the server.

    Parameters
    ----------
    service : Service
        What the connections of the server share.
    woke : callable
        Called when a waiting reserve was answered because of something else than this connection's own bytes.

    Attributes
    ----------
    mode : Mode
        What comes next; `Mode.CLOSED` when the connection is to be closed, after the replies were sent.
    """

    __slots__ = (
        "_buffer",
        "_client",
        "_ended",
        "_hung_up",
        "_job",
        "_max_line",
        "_out",
        "_position",
        "_service",
        "_skip",
        "_unsent",
        "_woke",
        "mode",
    )

    def __init__(self, service: Service, woke: Callable[[], None]) -> None:
        self._service = service
        self._woke = woke
        self._max_line = service.release.max_line
        self.mode = Mode.COMMAND
        self._client = service.machine.connect(self._answer_wait)
        self._buffer = b""
        self._position = 0
        self._out: list[bytes] = []
        self._unsent = 0
        self._job: StoredJob | None = None
        self._skip = Skip(0, b"")
        self._ended = False
        self._hung_up = False

    @property
    def held(self) -> int:
        """Bytes that were received and not yet looked at."""
        return len(self._buffer) - self._position

    def receive(self, data: bytes) -> None:
        """Take bytes from the peer; `run` answers them."""
        self._buffer = self._buffer[self._position :] + data
        self._position = 0

    def receive_end(self) -> None:
        """Note that nothing more will be received: what was is still answered, but no reserve waits."""
        self._ended = True
        self.hang_up()

    def hang_up(self) -> None:
        """Note that the peer has ended its side, although more may be received that it sent before."""
        self._hung_up = True
        self._service.machine.advance()
        self._service.machine.hang_up(self._client)

    def take_replies(self) -> bytes:
        """Return the replies so far, to be sent."""
        replies = b"".join(self._out)
        self._out.clear()
        self._unsent = 0
        return replies

    def run(self, steps: int) -> bool:
        """Answer what was received, in at most `steps` steps; return whether there is more to do at once."""
        while steps > 0 and self._unsent < MAX_UNSENT:
            steps -= 1
            if not self._step():
                if not self.held:  # the last bytes received: an idle connection needs no memory for them
                    self._buffer = b""
                    self._position = 0
                if self._ended and self.mode not in (Mode.WAIT, Mode.CLOSED):
                    self.close()
                return False
        return True

    def close(self) -> None:
        """Leave: what the client had reserved becomes ready, a job still on its way is dropped."""
        if self.mode is Mode.CLOSED:
            return
        machine = self._service.machine
        machine.advance()
        self.mode = Mode.CLOSED
        if self._job is not None:
            machine.queues.drop(self._job)
        machine.disconnect(self._client)

    def _step(self) -> bool:
        """Do one thing with the bytes at hand; return False when it takes more bytes, or an event."""
        if self.mode is Mode.COMMAND:
            return self._step_command()
        if self.mode is Mode.BODY:
            return self._step_body()
        if self.mode is Mode.SKIP:
            return self._step_skip()
        if self.mode is Mode.LONG_LINE:
            return self._step_long_line()
        return False

    def _step_command(self) -> bool:
        start = self._position
        end = self._find_line(start)
        if end < 0:
            return self._drop_full_line(start)
        self._position = end + 2
        machine = self._service.machine
        machine.advance()
        result = self._service.answer(self._client, self._buffer[start:end])
        if type(result) is bytes:
            self._say(result)
        elif isinstance(result, Upload):
            self._job = result.job
            self.mode = Mode.BODY
        elif isinstance(result, Skip):
            self._skip = result
            self.mode = Mode.SKIP
        elif result is Halt.QUIT:
            self.close()
        else:
            self.mode = Mode.WAIT
            # A wait of no seconds is over by the time that beanstalkd looks at its other connections.
            machine.advance()
            if self._hung_up:
                machine.hang_up(self._client)
        return True

    def _step_body(self) -> bool:
        job = self._job
        assert job is not None
        begun = job.upload
        missing = job.size + 2 - (0 if begun is None else len(begun))
        chunk = self._buffer[self._position : self._position + missing]
        self._position += len(chunk)
        if begun is None and len(chunk) == missing:
            job.body = chunk
        else:
            if begun is None:
                begun = job.upload = bytearray()
            begun += chunk
            if len(chunk) < missing:
                return False
            job.body = bytes(begun)
            job.upload = None
        self._job = None
        self.mode = Mode.COMMAND
        self._service.machine.advance()
        self._say(self._service.finish_put(job))
        return True

    def _step_skip(self) -> bool:
        size = min(self._skip.size, self.held)
        self._position += size
        self._skip = self._skip._replace(size=self._skip.size - size)
        if self._skip.size:
            return False
        self.mode = Mode.COMMAND
        self._say(self._skip.reply)
        return True

    def _step_long_line(self) -> bool:
        end = self._find_line(self._position)
        if end < 0:
            return self._drop_full_line(self._position)
        self._position = end + 2
        self.mode = Mode.COMMAND
        self._say(BAD_FORMAT)
        return True

    def _find_line(self, start: int) -> int:
        """Return where the line that starts there ends; -1 if it has no end yet, or none where beanstalkd looks."""
        # Only the first CR counts, and one in the last byte of the buffer is overlooked.
        end = self._buffer.find(b"\r", start, start + self._max_line - 1)
        return end if end >= 0 and self._buffer.startswith(b"\n", end + 1) else -1

    def _drop_full_line(self, start: int) -> bool:
        """Throw away a buffer's length of a line without end; return False when it is not that long yet."""
        if len(self._buffer) - start < self._max_line:
            return False
        self._position = start + self._max_line
        if self._service.release.old:
            self._say(BAD_FORMAT)  # at once, and the rest of the line runs as commands
        else:
            self.mode = Mode.LONG_LINE
        return True

    def _say(self, reply: bytes) -> None:
        self._out.append(reply)
        self._unsent += len(reply)
        if self._client.worker:
            self._service.machine.schedule(self._client)

    def _answer_wait(self, outcome: Outcome) -> None:
        self.mode = Mode.COMMAND
        self._say(reserved(outcome) if isinstance(outcome, StoredJob) else b"%b\r\n" % outcome.encode("ascii"))
        self._woke()
