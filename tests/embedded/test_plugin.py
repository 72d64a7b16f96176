"""The pytest plugin, as somebody else's test suite meets it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import beanops

pytest_plugins = ["pytester"]

PAGE = Path(beanops.__file__).parent / "manual/embedded.md"
#: The worker that the manual's test is about.
WORKER = """
import beanops

def work_once(address):
    with beanops.Client(address) as client:
        client.watch("mail")
        client.delete(client.reserve(timeout=1).id)
"""
ANOTHER_TEST = """
def test_another_one_has_a_server_of_its_own(beanstalk, beanstalkd):
    assert isinstance(beanstalkd, str)
    assert beanstalk.stats().total_jobs == 0
    print("version", beanstalk.stats().version)

@pytest.mark.beanstalkd(dialect="1.11")
def test_an_old_one(beanstalk):
    print("old version", beanstalk.stats().version)

@pytest.mark.beanstalkd(tls=True, auth_token="s3cret")
def test_tls_and_a_token(beanstalk, beanstalkd):
    assert beanstalkd.startswith("beanstalks://")
    assert beanstalk.put(b"x") == 1
    with pytest.raises(beanops.errors.Unauthorized):
        beanops.Client(beanstalkd).stats()
"""


@pytest.fixture(autouse=True)
def no_plugins_but_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave out what is installed beside us: it costs a second a run."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")


def run(pytester: pytest.Pytester, *arguments: str) -> pytest.RunResult:
    (shown,) = re.findall(r"```python\n(def test_.*?)```", PAGE.read_text(), re.DOTALL)
    pytester.makepyfile(f"import beanops\nimport my_worker\nimport pytest\n\n{shown}{ANOTHER_TEST}", my_worker=WORKER)
    return pytester.runpytest_subprocess("-p", "beanops.pytest_plugin", "-s", *arguments)


def without_beanstalkd(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(pytester.mkdir("nothing")))


def test_embedded(pytester: pytest.Pytester) -> None:
    result = run(pytester, "--beanstalkd=embedded")

    result.assert_outcomes(passed=4)
    result.stdout.fnmatch_lines(["*version 1.13*", "*old version 1.11*"])


def test_embedded_is_taken_where_there_is_no_real_one(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_beanstalkd(pytester, monkeypatch)

    run(pytester).assert_outcomes(passed=4)


@pytest.mark.usefixtures("start_beanstalkd")
def test_real(pytester: pytest.Pytester) -> None:
    run(pytester, "--beanstalkd=real").assert_outcomes(passed=4)


def test_a_real_one_that_is_missing_skips_and_in_ci_fails(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_beanstalkd(pytester, monkeypatch)
    monkeypatch.delenv("CI", raising=False)
    run(pytester, "--beanstalkd=real").assert_outcomes(passed=2, skipped=2)
    monkeypatch.setenv("CI", "1")

    result = run(pytester, "--beanstalkd=real")

    result.assert_outcomes(passed=2, errors=2)
    result.stdout.fnmatch_lines(["*not on PATH*"])
