"""The error that a body carries, in the envelopes of the usual frameworks and elsewhere.

What lives here: `find_error`, the one rule by which all faces and groups of jobs find an error's class and message. It
reads data, in whatever format that was, and imports nothing else of the package.
"""

from beanops.jobs.bodies.errors.finder import DEEP, ITEMS, WIDE, error_line, error_of, find_error
from beanops.jobs.bodies.errors.messages import ErrorText

__all__ = ["DEEP", "ITEMS", "WIDE", "ErrorText", "error_line", "error_of", "find_error"]
