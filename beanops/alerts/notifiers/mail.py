"""Mail: one message for all alerts of a moment, by SMTP with TLS."""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Sequence
from email.message import EmailMessage
from email.utils import formatdate, make_msgid

from beanops.alerts.fields import Fields
from beanops.alerts.notifiers.notice import Notice, Notifier, NotSent, Rejected, iso
from beanops.alerts.secret import Secret
from beanops.text import plural, safe_text

_TLS = ("starttls", "tls", "none")
_PORTS = {"starttls": 587, "tls": 465, "none": 25}
#: Alerts whose description a message has; the rest is one line each.
_MOST = 50


class Mail(Notifier):
    """Sends mail through a server; the password comes from a variable or a file."""

    kind = "mail"
    batch = 500

    def __init__(self, fields: Fields) -> None:
        self._tls = fields.choice("tls", _TLS, "starttls")
        self._host = fields.text("host")
        self._port = fields.value("port", int, _PORTS[self._tls])
        self._user = fields.text("user", "")
        self._password = fields.secret("password", inline=False, required=False)
        self._from = fields.text("from")
        self._to = fields.texts("to", required=True)
        self._timeout = fields.span("timeout", 20.0, 0.1, 300.0)
        self._ca_file = fields.path("ca_file")
        if not 0 < self._port < 65536:
            fields.complain("port must be from 1 to 65535", "port")
        for key, addresses in (("from", [self._from]), ("to", self._to)):
            for address in addresses:
                if address and ("@" not in address or not address.isprintable()):
                    fields.complain(f"{address!r} is not a mail address", key)
        if bool(self._user) != (self._password is not None):
            fields.complain("user and password belong together", "password" if self._password else "user")
        if self._password is not None and self._tls == "none":
            fields.complain('a password needs tls = "starttls" or "tls"', "tls")

    @property
    def secrets(self) -> Sequence[Secret]:
        """What is never shown."""
        return () if self._password is None else (self._password,)

    def send(self, notices: Sequence[Notice]) -> None:
        """Send notices; see `Notifier.send`."""
        try:
            with self._connected() as server:
                if self._password is not None:
                    server.login(self._user, self._password.read())
                server.send_message(self._message(notices))
        except smtplib.SMTPRecipientsRefused as error:
            codes = sorted({code for code, _ in error.recipients.values()})
            told = f"{self._host} refused all recipients ({', '.join(map(str, codes))})"
            raise (Rejected(told) if min(codes) >= 500 else NotSent(told)) from None
        except smtplib.SMTPResponseException as error:
            raise NotSent(f"{self._host} answered {error.smtp_code}: {_said(error.smtp_error)}") from None
        except TimeoutError:
            raise NotSent(f"{self._host} did not answer within {self._timeout:g} s") from None
        except ssl.SSLCertVerificationError as error:
            raise NotSent(f"the certificate of {self._host} is not trusted: {error.verify_message}") from None
        except (OSError, smtplib.SMTPException, UnicodeError) as error:
            raise NotSent(f"cannot send by {self._host}: {_said(getattr(error, 'strerror', None) or error)}") from None

    def _connected(self) -> smtplib.SMTP:
        context = ssl.create_default_context(cafile=self._ca_file or None)
        if self._tls == "tls":
            return smtplib.SMTP_SSL(self._host, self._port, timeout=self._timeout, context=context)
        server = smtplib.SMTP(self._host, self._port, timeout=self._timeout)
        if self._tls == "starttls":
            try:
                server.starttls(context=context)
            except BaseException:
                server.close()
                raise
        return server

    def _message(self, notices: Sequence[Notice]) -> EmailMessage:
        message = EmailMessage()
        message["Subject"] = subject(notices)
        message["From"] = self._from
        message["To"] = ", ".join(self._to)
        message["Date"] = formatdate()
        message["Message-ID"] = make_msgid(domain="beanops.invalid")
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(text(notices))
        return message


def subject(notices: Sequence[Notice]) -> str:
    """Return the subject for some alerts: that of the first, and how many more there are."""
    first = notices[0]
    word = "RESOLVED" if first.status == "resolved" else first.severity.upper()
    more = f" (and {plural(len(notices) - 1, 'more alert')})" if len(notices) > 1 else ""
    return safe_text(f"{'TEST ' if first.test else ''}[{word}] {first.summary}", limit=150) + more


def text(notices: Sequence[Notice]) -> str:
    """Return the text of a mail about some alerts."""
    return "\n\n".join(_paragraph(notice, whole=number < _MOST) for number, notice in enumerate(notices)) + "\n"


def _paragraph(notice: Notice, *, whole: bool) -> str:
    word = "RESOLVED" if notice.status == "resolved" else notice.severity.upper()
    lines = [f"{word}: {safe_text(notice.summary)}"]
    if whole:
        ended = f", ended {iso(notice.ended)}" if notice.ended else ""
        place = f"tube {notice.tube} on {notice.server}" if notice.tube else f"server {notice.server}"
        lines += [safe_text(notice.description, multiline=True)] if notice.description else []
        lines += [f"rule {notice.rule}, {place}", f"since {iso(notice.since)}{ended}"]
        lines += [f"{name} {value}" for name, value in {**notice.values, **notice.labels}.items()]
        lines += [f"look at: {notice.look_at}"] if notice.look_at else []
    return "\n".join(lines)


def _said(text: object) -> str:
    found = text.decode("utf-8", "replace") if isinstance(text, bytes) else str(text)
    return safe_text(" ".join(found.split()), limit=200)
