"""The HTML of the pages. They load nothing from other sites, and link to none."""

from __future__ import annotations

from functools import cache
from html import escape
from pathlib import Path
from string import Template

from aiohttp import web

from beanops.tui.web.login import WebVisitor

_FOLDER = Path(__file__).parent / "page"


def policy(*hosts: str) -> str:
    """Return the content security policy of a page that has these names, with ports."""
    # Some browsers do not count a websocket to the page's own host as its own.
    sockets = " ".join(f"{scheme}://{host}" for host in dict.fromkeys(hosts) for scheme in ("ws", "wss"))
    return (
        "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; font-src 'self';"
        f" img-src 'self' data:; connect-src 'self' {sockets}; base-uri 'none'; form-action 'none';"
        " frame-ancestors 'none'"
    )


@cache
def _template(name: str) -> Template:
    return Template((_FOLDER / name).read_text("utf-8"))


def dashboard_page(base: str, address: str, visitor: WebVisitor, ticket: str) -> web.Response:
    """Return the page with the terminal of a visitor; `base` is the path before those of the pages."""
    who = f"{visitor.name}, {visitor.role.name}" if visitor.name else ""
    given = {"base": base, "address": address, "ticket": ticket, "who": who}
    text = _template("dashboard.html").substitute({name: escape(value) for name, value in given.items()})
    return web.Response(text=text, content_type="text/html")


def notice_page(base: str, status: int, heading: str, text: str, retry: int = 0) -> web.Response:
    """Return a page that says something; with `retry` it loads the same address again after so many seconds."""
    again = f'<meta http-equiv="refresh" content="{retry}">' if retry else ""
    given = {"base": base, "heading": heading, "text": text}
    page = _template("notice.html").substitute({name: escape(value) for name, value in given.items()}, again=again)
    headers = {"Retry-After": str(retry)} if retry else {}
    return web.Response(status=status, text=page, content_type="text/html", headers=headers)
