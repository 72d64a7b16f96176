"""What varies between messages of one cause: ids, people, places, times, sizes and what else logs are full of."""

from __future__ import annotations

import base64
import json
import string
from random import Random
from uuid import UUID


def words(text: str) -> list[str]:
    """Return the words of a text."""
    return text.split()


_FIRST = words(
    "Sabine Marlene José Ana Piotr Fatima Kenji Olga Liam Noor Giulia Henrik Aoife Tomás Priya Wei Zsófia Lars "
    "Inès Ahmed Chiara Björn Emily Jack Nadia Samuel Ivana Ravi Hannah Diego"
)
_LAST = words(
    "Krüger Dubois Fernández Silva Kowalski Haddad Tanaka Petrova Murphy Ali Rossi Olsen Byrne García Nair Zhang "
    "Nagy Eriksson Moreau Hassan Conti Berg Clarke Wilson Popescu Okafor Horvat Gupta Weiß Ramírez O'Neill"
)
_CITIES = words("Lyon Porto Gdańsk Austin Kyoto Bergen Izmir Quito Cork Graz Leeds Lagos")
_WORDS = words("blue river stone lamp paper cloud garden window silver north apple market")
_DOMAINS = words("example.com mail.example.org shop-eu.example.net example.co.uk posteo.example")
_BASE58 = string.ascii_letters + string.digits


class Values(dict[str, str]):
    """Makes a new value for each field of a template: ``"{int} of {person}".format_map(Values(random))``."""

    def __init__(self, random: Random) -> None:
        super().__init__()
        self._random = random

    def __missing__(self, kind: str) -> str:
        return str(getattr(self, f"_{kind.rstrip('123')}")())

    def _chars(self, alphabet: str, count: int) -> str:
        return "".join(self._random.choices(alphabet, k=count))

    def _int(self) -> int:
        return self._random.randrange(1, 10 ** self._random.randrange(1, 9))

    def _small(self) -> int:
        return self._random.randrange(2, 1000)

    def _money(self) -> str:
        return f"{self._random.randrange(1, 9000):,}.{self._random.randrange(100):02}"

    def _uuid(self) -> str:
        return str(UUID(int=self._random.getrandbits(128), version=4))

    def _ulid(self) -> str:
        return "01" + self._chars("0123456789ABCDEFGHJKMNPQRSTVWXYZ", 24)

    def _objectid(self) -> str:
        return f"{self._random.randrange(16**8, 16**9):x}"[:8] + self._chars("0123456789abcdef", 15) + "7"

    def _sha(self) -> str:
        return self._chars("0123456789abcdef", 39) + "4"

    def _hexid(self) -> str:
        return self._chars("0123456789ABCDEF", 15) + "9"

    def _pointer(self) -> str:
        return f"0x{self._random.getrandbits(40):012x}"

    def _stripe(self) -> str:
        return self._chars(_BASE58, 13) + str(self._random.randrange(10))

    def _base64(self) -> str:
        return base64.b64encode(self._random.randbytes(45)).decode()

    def _jwt(self) -> str:
        parts = (json.dumps({"alg": "HS256"}), json.dumps({"sub": self._int()}), self._sha())
        return ".".join(base64.urlsafe_b64encode(part.encode()).decode().rstrip("=") for part in parts)

    def _first(self) -> str:
        return self._random.choice(_FIRST)

    def _person(self) -> str:
        return f"{self._first()} {self._random.choice(_LAST)}"

    def _city(self) -> str:
        return self._random.choice(_CITIES)

    def _word(self) -> str:
        return self._random.choice(_WORDS)

    def _email(self) -> str:
        name = self._random.choice([self._word(), f"{self._word()}.{self._word()}", f"{self._word()}+{self._small()}"])
        return f"{name}@{self._random.choice(_DOMAINS)}"

    def _ip(self) -> str:
        if self._random.random() < 0.2:
            return "2001:db8:" + ":".join(f"{self._random.randrange(1, 2**16):x}" for _ in range(6))
        return ".".join(str(self._random.randrange(1, 255)) for _ in range(4))

    def _ipport(self) -> str:
        return f"10.{self._random.randrange(256)}.{self._random.randrange(256)}.9:{self._random.randrange(1024, 65536)}"

    def _host(self) -> str:
        return f"{self._word()}-{self._small()}.{self._word()}.internal"

    def _url(self) -> str:
        query = self._random.choice(["", f"?page={self._small()}&q={self._word()}", f"#{self._word()}"])
        return f"https://{self._word()}.example.com/v{self._random.randrange(1, 4)}/{self._word()}/{self._int()}{query}"

    def _path(self) -> str:
        return f"/srv/{self._word()}/{self._word()}-{self._small()}/{self._file()}"

    def _file(self) -> str:
        return f"{self._word()}_{self._small()}.{self._random.choice(['pdf', 'csv', 'mov', 'tar.gz'])}"

    def _iso(self) -> str:
        r = self._random
        day = f"{r.randrange(2019, 2027)}-{r.randrange(1, 13):02}-{r.randrange(1, 29):02}"
        time = f"{r.randrange(24):02}:{r.randrange(60):02}:{r.randrange(60):02}"
        zone = r.choice(["Z", "+01:00", "", ".123456Z", "-0300"])
        return f"{day}{r.choice(['T', ' '])}{time}{zone}"

    def _date(self) -> str:
        return (
            f"{self._random.randrange(1, 29):02}/{self._random.randrange(1, 13):02}/20{self._random.randrange(10, 27)}"
        )

    def _clock(self) -> str:
        return f"{self._random.randrange(24):02}:{self._random.randrange(60):02}"

    def _size(self) -> str:
        return f"{self._random.randrange(1, 900)}.{self._random.randrange(10)} MB"

    def _percent(self) -> str:
        return f"{self._random.randrange(100, 140)}%"

    def _version(self) -> str:
        return f"{self._random.randrange(1, 30)}.{self._random.randrange(30)}.{self._random.randrange(30)}"
