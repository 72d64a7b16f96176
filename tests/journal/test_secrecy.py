"""Passwords in the URL of a journal are in no message, whatever is wrong with it."""

from __future__ import annotations

import os
import traceback
from pathlib import Path

import pytest

from beanops.journal.journal import Journal
from beanops.journal.records import JournalError
from beanops.journal.storage.url import DatabaseUrl, without_passwords
from beanops.protocol.errors import BeanopsError
from beanops.session.config import read_config

SECRET = "hunter2"
URLS = [
    "postgresql+psycopg://ops:hunter2@127.0.0.1:1/journal",
    "postgresql+psycopg://ops:%68unter2@127.0.0.1:1/journal",
    "postgresql+psycopg://ops:hunter2@127.0.0.1:port/journal",
    "postgresql+psycopg://ops:a@hunter2@127.0.0.1:1/journal",
    "postgresql+psycopg://ops:a@hunter2/b@127.0.0.1:1/journal",
    "postgresql+psycopg://ops:a/hunter2@127.0.0.1:1/journal",
    "postgresql+psycopg://ops:a:hunter2@127.0.0.1:1/journal",
    "postgresql+psycopg://ops:a?hunter2@127.0.0.1:1/journal",
    "postgresql+psycopg://ops:hunter2",
    "postgresql+psycopg://:hunter2@[::1/journal",
    "postgresql+psycopg://127.0.0.1:1/journal?password=hunter2",
    "postgresql+psycopg://127.0.0.1:1/journal?user=a&sslpassword=%68unter2&nonsense=1",
    "postgresql+psycopg://127.0.0.1:1/journal?password=hunter2&password=x",
    "postgresql+nothing://ops:hunter2@host/journal",
    "nothing://ops:hunter2@host/journal",
    "mysql://ops:hunter2@host/journal",
    "sqlite://ops:hunter2@host/journal",
    "postgresql:/ops:hunter2@host/journal",
    "postgresql:ops:hunter2@host",
    "://ops:hunter2@host/journal",
]


@pytest.mark.parametrize("url", URLS)
def test_a_password_is_in_no_error(url: str) -> None:
    with pytest.raises(JournalError) as caught:
        Journal(url)
    told = "".join(traceback.format_exception(caught.value))
    for text in (str(caught.value), repr(caught.value), told.partition("Error: ")[2]):
        assert SECRET not in text
        assert "%68unter2" not in text
    assert "\n" not in str(caught.value)
    assert not list(Path().glob("postgres*"))


def test_what_is_no_secret_is_told() -> None:
    assert DatabaseUrl("postgresql+psycopg://ops:hunter2@db:5432/journal?sslmode=require").shown == (
        "postgresql+psycopg://ops:***@db:5432/journal?sslmode=require"
    )
    assert DatabaseUrl("postgresql://db/journal?password=hunter2").shown == "postgresql://db/journal?password=***"
    assert DatabaseUrl("/home/a:b@c/journal.sqlite").shown == "/home/a:b@c/journal.sqlite"
    assert DatabaseUrl("sqlite:////home/a:b@c/journal.sqlite").problem is None


def test_what_a_driver_says_is_told_without_the_password() -> None:
    place = DatabaseUrl("postgresql://ops:p%40ss%20w@db/journal")
    for said in ("p@ss w is wrong", "p%40ss%20w", "p%40ss+w", "cannot connect to postgresql://ops:p@ss w@db/journal"):
        assert "ss" not in place.without_secrets(said).replace("postgresql", "")
    assert DatabaseUrl("postgresql://ops:ops@db/journal").without_secrets("no role drops") == "no role drops"


def test_a_journal_shows_no_password(tmp_path: Path) -> None:
    journal = Journal(f"sqlite:///{tmp_path}/journal.sqlite")
    assert repr(journal) == f"<Journal sqlite:///{tmp_path}/journal.sqlite>"
    journal.close()


@pytest.mark.parametrize(
    "text",
    [
        'journal = ["postgresql://ops:hunter2@db/journal"]',
        '"postgresql://ops:hunter2@db/journal" = 1',
        '[servers.a]\naddress = "postgresql://ops:hunter2@db/journal"',
        "[journal]\nurl = 'postgresql://db/journal?password=hunter2'",
    ],
)
def test_the_configuration_is_blamed_without_the_password(text: str) -> None:
    Path(os.environ["BEANOPS_CONFIG"]).write_text(text)
    with pytest.raises(BeanopsError) as caught:
        read_config()
    assert SECRET not in str(caught.value)


def test_a_text_keeps_what_is_no_password() -> None:
    for text in ("see http://host:80/a", "ask b@c: now", "a/b:c@d"):
        assert without_passwords(text) == text
