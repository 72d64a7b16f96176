"""The examples in the docstrings of the notebook run as they are written."""

from __future__ import annotations

import doctest

import pytest

import beanops
from beanops.embedded.process import Beanstalkd
from beanops.notebook.views.browser import BrowserView
from beanops.notebook.views.dashboard import DashboardView
from beanops.notebook.views.reservation import ReservationView


@pytest.mark.parametrize("view", [DashboardView, BrowserView, ReservationView])
def test_the_example_of_a_view(beanstalkd: Beanstalkd, view: type) -> None:
    with beanops.connect(beanstalkd.address) as session:
        session.put(b'{"user": 1}', tube="mail")
        session.bury([session.put(b'{"error": "timeout"}', tube="mail").ids[0] for _ in range(2)])
        (example,) = doctest.DocTestFinder(recurse=False).find(view, view.__name__, globs={"session": session})
        assert example.examples
        assert doctest.DocTestRunner().run(example).failed == 0
