"""Passwords of visitors: salted hashes by scrypt, for the configuration, and the check of a password."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections import deque
from collections.abc import Mapping

from beanops.session.web_access import HASH

#: Cost, block size and parallelism: a fifth of a second and 16 MB for each guess.
COST = (2**14, 8, 5)
#: Bytes of memory that a hash of the configuration may ask for.
_MEMORY = 128 * 2**20
#: Right and wrong passwords that are remembered, at most: a page has several files, and each request has the password.
_REMEMBERED = 100


def hash_password(password: str) -> str:
    """Return the hash of a password, for the configuration.

    Examples
    --------
    >>> hash_password("correct horse").startswith("scrypt$16384$8$5$")
    True
    """
    salt = secrets.token_bytes(16)
    numbers = "$".join(map(str, COST))
    return f"scrypt${numbers}${_text(salt)}${_text(_key(password.encode(), salt, *COST))}"


def is_right(password: bytes, hashed: str) -> bool:
    """Whether a password has a hash.

    Examples
    --------
    >>> is_right(b"correct horse", hash_password("correct horse")), is_right(b"other", hash_password("correct horse"))
    (True, False)
    """
    match = HASH.fullmatch(hashed)
    if match is None:
        return False
    cost, size, parallel, salt, key = match.groups()
    try:
        known = base64.b64decode(key)
        found = _key(password, base64.b64decode(salt), int(cost), int(size), int(parallel), len(known))
    except (ValueError, MemoryError, OverflowError):  # numbers that scrypt does not take
        return False
    return hmac.compare_digest(found, known)


def _key(password: bytes, salt: bytes, cost: int, size: int, parallel: int, length: int = 32) -> bytes:
    return hashlib.scrypt(password, salt=salt, n=cost, r=size, p=parallel, maxmem=_MEMORY, dklen=length)


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()


class PasswordCheck:
    """Checks passwords of users, and remembers the last ones.

    A user that does not exist takes as long as a wrong password.

    Parameters
    ----------
    hashes : mapping
        Hashes by user.
    """

    def __init__(self, hashes: Mapping[str, str]) -> None:
        self._hashes = hashes
        self._other = hash_password(secrets.token_hex())
        self._secret = secrets.token_bytes(32)
        self._right: deque[bytes] = deque(maxlen=_REMEMBERED)
        self._wrong: deque[bytes] = deque(maxlen=_REMEMBERED)

    def known(self, user: str, password: bytes) -> bool | None:
        """Return whether a password was right before, which takes no time; None if nobody has tried it lately."""
        asked = self._asked(user, password)
        for was, known in ((True, self._right), (False, self._wrong)):
            if any(hmac.compare_digest(asked, one) for one in known):
                return was
        return None

    def right(self, user: str, password: bytes) -> bool:
        """Whether a password is that of a user."""
        right = is_right(password, self._hashes.get(user) or self._other) and bool(self._hashes.get(user))
        (self._right if right else self._wrong).append(self._asked(user, password))
        return right

    def _asked(self, user: str, password: bytes) -> bytes:
        name = user.encode("utf-8", "surrogateescape")
        return hmac.digest(self._secret, len(name).to_bytes(8, "big") + name + password, "sha256")
