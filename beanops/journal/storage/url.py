"""Hide passwords in the URLs of databases, and in what drivers say about them."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote, quote_plus, unquote, unquote_plus

_HIDDEN = "***"
#: Names of parameters of a URL whose values are secret. An ODBC string may contain anything.
_SECRET = re.compile(r"pass|pwd|secret|token|key|credential|odbc_connect", re.IGNORECASE)
_IN_TEXT = re.compile(r"(://[^\s/@:]*:).*@")
_PARAMETER = re.compile(rf"([?&;][^=&\s]*(?:{_SECRET.pattern})[^=&\s]*=)[^&\s'\"]*", re.IGNORECASE)


def without_passwords(text: str) -> str:
    """Return a text with the passwords of URLs replaced by stars."""
    return _PARAMETER.sub(rf"\1{_HIDDEN}", _IN_TEXT.sub(rf"\1{_HIDDEN}@", text))


class DatabaseUrl:
    """The URL of a database, as messages may show it.

    Parameters
    ----------
    url : str
        A path, or a URL of a database.

    Attributes
    ----------
    shown : str
        The same without passwords.
    problem : str or None
        Why it cannot be used, without a part of it.
    """

    def __init__(self, url: str) -> None:
        import sqlalchemy as sa

        scheme, separator, rest = url.partition("://")
        self.shown, self.problem, self._secrets = url, None, set[str]()
        if not separator:
            scheme = url.partition(":")[0]
            if re.fullmatch(r"(sqlite|postgres(ql)?|mysql|mariadb|oracle|mssql)(\+\w+)?", scheme) and scheme != url:
                self.shown, self.problem = f"{scheme}:{_HIDDEN}", f"a URL begins with {scheme}://"
            return
        self._remember_from(rest)
        try:
            read = sa.make_url(url)
        except (sa.exc.ArgumentError, ValueError):  # whose texts have parts of it
            self.shown = f"{scheme}://{_HIDDEN}"
            self.problem = "it cannot be read as a URL (in a password, write @ as %40, / as %2F and : as %3A)"
            return
        for name, value in read.query.items():
            if _SECRET.search(name):
                for one in (value,) if isinstance(value, str) else value:
                    self._remember(one)
                read = read.update_query_dict({name: _HIDDEN})
        self.shown = read.render_as_string().replace(quote_plus(_HIDDEN), _HIDDEN)
        if "@" in f"{read.host or ''}{(read.database or '') if read.password else ''}":
            # What follows the first @ of a password would be taken for the host, and be shown.
            self.shown = f"{scheme}://{_HIDDEN}"
            self.problem = "it has more than one @: write that of a password as %40"

    def without_secrets(self, text: str) -> str:
        """Return a text without the secrets of this URL, in any encoding."""
        for secret in sorted(self._secrets, key=len, reverse=True):
            pattern = re.escape(secret)
            text = re.sub(pattern if len(secret) > 3 else rf"(?<!\w){pattern}(?!\w)", _HIDDEN, text)
        return without_passwords(text)

    def said(self, error: BaseException) -> str:
        """Return what a driver said, in one line and without secrets."""
        cause = getattr(error, "orig", None) or error
        return self.without_secrets(" ".join(str(cause).split()))

    def _remember_from(self, rest: str) -> None:
        """Remember what may be a password, whichever way a driver reads the URL."""
        before, at, _ = rest.rpartition("@")
        user, colon, password = before.partition(":")
        if at and colon and "/" not in user:
            self._remember(password)
            self._remember(password.partition("@")[0])

    def _remember(self, secret: str) -> None:
        plain = {secret, unquote(secret), unquote_plus(secret)}
        forms: set[Any] = {form for one in plain for form in (one, quote(one), quote(one, ""), quote_plus(one))}
        self._secrets |= {form for form in forms if form}
