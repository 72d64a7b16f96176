"""The framing of one connection: which bytes answer which command.

Most replies carry no id, so commands and replies are matched first in, first out, and a single wrong
byte would answer every later command wrongly. Whatever is not exactly a reply therefore poisons the
connection: it must be closed.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

from beanops.protocol.commands import Command
from beanops.protocol.errors import BeanopsError, ConnectionClosed, ProtocolError, ReplyError, Unauthorized
from beanops.protocol.records import ServerStats

#: Longest reply line: ``USING`` and a name of 200 bytes, or a token and two numbers of 20 digits.
MAX_LINE = 224


class Connection:
    """The protocol's side of one connection, without a socket.

    Parameters
    ----------
    hint : str
        What it may mean when the connection ends before the server has sent anything, for the error.

    Two calls in turn: `send` a command and write the bytes it returns; give what was read to `receive_data`
    and get the results of the commands that it completes.

    Attributes
    ----------
    waiting : deque of Command
        Commands that were sent and not yet answered, oldest first.
    used : str
        The used tube, according to the replies.
    watched : list of str
        The watched tubes, in the order of watching.
    error : BeanopsError or None
        Why the connection can no longer be used.
    recognise : callable
        Gives statistics of the server the id that its process is known by.
    heard : bool
        Whether the server has sent anything.

    Examples
    --------
    >>> from beanops.protocol import Connection, commands
    >>> connection = Connection()
    >>> connection.send(commands.kick(10))
    b'kick 10\\r\\n'
    >>> connection.receive_data(b"KICKED 3\\r\\n")
    [3]
    """

    def __init__(self, hint: str = "") -> None:
        self.heard = False
        self._hint = hint
        self.waiting: deque[Command[Any]] = deque()
        self.used = "default"
        self.watched = ["default"]
        self.error: BeanopsError | None = None
        self.recognise: Callable[[ServerStats], ServerStats] = lambda stats: stats
        self._showed_token = False
        self._held = bytearray()
        # Bytes that must be there before another look can make progress: a big body is copied once.
        self._needed = 1

    def send(self, command: Command[Any]) -> bytes:
        """Note that a command goes out and return its bytes.

        Raises
        ------
        ConnectionClosed
            The connection can no longer be used.
        """
        if self.error is not None:
            raise ConnectionClosed(f"'{command.line}' was not sent, the connection is no longer usable: {self.error}")
        data = command.data
        self.waiting.append(command)
        self._showed_token = self._showed_token or command.kind.name == "auth"
        return data

    def receive_data(self, data: bytes, *, unsent: bool = False) -> list[Any]:
        """Take bytes from the server and return the results that they complete, in order.

        A refused command's result is its `ReplyError`. When the bytes are no valid replies, `error` is set and
        the results before the fault are still returned. Empty `data` means that the server closed.

        Parameters
        ----------
        data : bytes
            What was read, in pieces of any size.
        unsent : bool
            Whether bytes of the last command are still to be written: it cannot have been answered.

        Returns
        -------
        list
            One result for each command that was answered.
        """
        if self.error is not None:
            return []
        if not data:
            return self._receive_end()
        self.heard = True
        if self._held:
            self._held += data
            if len(self._held) < self._needed:
                return []
            data = bytes(self._held)
        results: list[Any] = []
        try:
            position = self._parse(data, results, unsent)
        except (ProtocolError, Unauthorized) as error:
            self.error = error
            position = len(data)
        self._held = bytearray(memoryview(data)[position:])
        return results

    def _parse(self, buffer: bytes, results: list[Any], unsent: bool) -> int:
        """Append the results of all complete replies, return where the first incomplete one starts."""
        waiting = self.waiting
        size = len(buffer)
        position = 0
        while position < size:
            if len(waiting) <= unsent:
                why = f"before it had all of '{waiting[0].line}'" if waiting else "although nothing was asked"
                raise ProtocolError(f"the server sent {self._quoted(buffer[position : position + 40])} {why}")
            end = buffer.find(b"\r\n", position, position + MAX_LINE + 2)
            if end < 0:
                # The last byte may be the CR. An alert of TLS has no end of a line.
                if size - position > MAX_LINE + 1 or buffer.startswith(_TLS_ALERT, position):
                    raise self._alien(buffer[position : position + 40], "... and no end of a line")
                self._needed = size - position + 1
                return position
            command = waiting[0]
            words = buffer[position:end].split(b" ")
            reply = command.kind.replies.get(words[0])
            if reply is None or len(words) != reply.words + 1:
                if words == [b"UNAUTHORIZED"]:
                    raise _unauthorized(command)
                raise self._alien(buffer[position:end][:80])
            start = end + 2
            if reply.payload:
                length = words[-1]
                if not length.isdigit() or len(length) > 10 or int(length) > reply.payload:
                    raise ProtocolError(f"the server announced {length[:40]!r} bytes in answer to '{command.line}'")
                stop = start + int(length)
                if size < stop + 2:
                    self._needed = stop + 2 - position
                    return position
                if buffer[stop : stop + 2] not in _ENDS:
                    raise ProtocolError(f"the answer to '{command.line}' has another length than announced")
                result = reply.build(command, words, buffer[start:stop])
                start = stop + 2
            else:
                result = reply.build(command, words, b"")
            waiting.popleft()
            if command.kind.name in _TRACKED and not isinstance(result, ReplyError):
                result = self._track(command, result)
            results.append(result)
            position = start
        self._needed = 1
        return position

    def _track(self, command: Command[Any], result: Any) -> Any:
        tube = str(command.subject)
        if command.kind.name == "stats":
            return self.recognise(result)
        if command.kind.name == "use":
            self.used = tube
        elif command.kind.name == "ignore":
            self.watched = [name for name in self.watched if name != tube]
        elif tube not in self.watched:
            self.watched.append(tube)
        return result

    def _receive_end(self) -> list[Any]:
        results: list[Any] = []
        if self.waiting and self.waiting[0].kind.name == "quit" and not self._held:
            self.waiting.popleft()
            results.append(None)
        before, hint = self._unanswered()
        self.error = ConnectionClosed(f"the server closed the connection{before}{hint}")
        return results

    def break_off(self, why: str) -> None:
        """Note that the connection broke, unless it has ended already: a close by another thread breaks it too."""
        if self.error is None:
            before, hint = self._unanswered()
            self.error = ConnectionClosed(f"the connection broke{before}: {why}{hint}")

    def _alien(self, said: bytes, more: str = "") -> ProtocolError:
        """Return the error of an answer that is none to the command that waits."""
        if said.startswith(_TLS_ALERT):
            return ProtocolError("the server speaks TLS there; use beanstalks://host:port")
        quoted = self._quoted(said)
        if said.startswith(_HTTP):
            return ProtocolError(f"an HTTP server or proxy answered, not beanstalkd: {quoted}")
        return ProtocolError(f"not a beanstalkd server: it answered '{self.waiting[0].line}' with {quoted}{more}")

    def _quoted(self, said: bytes) -> str:
        """Return what the server said, for an error; not where it may repeat a token."""
        if self._showed_token and (not self.waiting or self.waiting[0].kind.name == "auth"):
            return "something else"
        return repr(said)

    def _unanswered(self) -> tuple[str, str]:
        """Return what was not answered, and what that may mean."""
        if not self.waiting:
            return "", ""
        return f" before it answered '{self.waiting[0].line}'", "" if self.heard else self._hint


_TRACKED = frozenset({"use", "watch", "ignore", "stats"})
#: What follows a payload; after a crash a server fills the end of a body in its binlog with zeros, line end included.
_ENDS = (b"\r\n", b"\r\0", b"\0\0")


#: How other protocols answer: TLS with an alert, whose record has this type and version.
_TLS_ALERT, _HTTP = b"\x15\x03", b"HTTP/"


def _unauthorized(command: Command[Any]) -> Unauthorized:
    if command.kind.name == "auth":
        return Unauthorized("the server refused the token")
    return Unauthorized(f"the server requires a token; it answered '{command.line}' with UNAUTHORIZED")
