"""Checks of a server or its tubes, as monitoring systems run them: ranges, states and performance data.

The forms are those of the Monitoring Plugins Development Guidelines, which Nagios, Icinga, Naemon and others follow.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from math import inf
from typing import NamedTuple

#: The states of a check, by exit code.
STATES = ("OK", "WARNING", "CRITICAL", "UNKNOWN")
OK, WARNING, CRITICAL, UNKNOWN = range(4)


class Range(NamedTuple):
    """The values that raise no alert; with `inside`, those that do.

    Attributes
    ----------
    low, high : float
        The bounds, which belong to it.
    inside : bool
        Whether values within the bounds raise an alert, and not those beyond.
    text : str
        As it was written.
    """

    low: float
    high: float
    inside: bool
    text: str

    def alerts(self, value: float) -> bool:
        """Whether a value raises an alert.

        Examples
        --------
        >>> [parse_range("10").alerts(value) for value in (-1, 0, 10, 11)]
        [True, False, False, True]
        >>> [parse_range("@10:20").alerts(value) for value in (9, 10, 20, 21)]
        [False, True, True, False]
        """
        return (self.low <= value <= self.high) is self.inside


def parse_range(text: str, number: Callable[[str], float] = float) -> Range:
    """Return the range that a text describes.

    ``10`` alerts outside 0 to 10, ``10:`` below 10, ``~:10`` above 10, ``10:20`` outside 10 to 20, ``@10:20`` inside.

    Parameters
    ----------
    text : str
        The range.
    number : callable
        Returns the number that a bound means, or raises `ValueError`.

    Raises
    ------
    ValueError
        It is no range; the message says why.
    """
    bounds = text.strip().removeprefix("@")
    start, colon, end = bounds.partition(":")
    if not colon:
        start, end = "", start
        if not end:
            raise ValueError(f"{text!r} is no range such as 10, 10:, ~:10, 10:20 or @10:20")
    low = -inf if start == "~" else _bound(text, start, number) if start else 0.0
    high = _bound(text, end, number) if end else inf
    if low > high:
        raise ValueError(f"{text!r} begins above its end")
    return Range(low, high, text.strip().startswith("@"), text.strip())


def _bound(text: str, bound: str, number: Callable[[str], float]) -> float:
    try:
        value = number(bound)
    except ValueError:
        value = inf
    if not -inf < value < inf:
        raise ValueError(f"{text!r} is no range such as 10, 10:, ~:10, 10:20 or @10:20: {bound!r} is no number")
    return value


class Bounds(NamedTuple):
    """When a value raises a warning and when it is critical; None for never."""

    warning: Range | None = None
    critical: Range | None = None

    def state(self, value: float) -> int:
        """Return the state of a value.

        Examples
        --------
        >>> STATES[parse_bounds("10,100").state(50)]
        'WARNING'
        """
        if self.critical is not None and self.critical.alerts(value):
            return CRITICAL
        return WARNING if self.warning is not None and self.warning.alerts(value) else OK


def parse_bounds(text: str, number: Callable[[str], float] = float) -> Bounds:
    """Return the limits that a text describes: ``WARNING,CRITICAL``, or one range that is critical.

    Raises
    ------
    ValueError
        It is neither.
    """
    first, comma, second = text.partition(",")
    if not comma:
        return Bounds(critical=parse_range(first, number))
    ranges = [parse_range(part, number) if part.strip() else None for part in (first, second)]
    if ranges == [None, None]:
        raise ValueError(f"{text!r} has neither a range for warnings nor one for critical values")
    return Bounds(*ranges)


class Value(NamedTuple):
    """One measured value.

    Attributes
    ----------
    name : str
        What it is, such as ``"ready"``.
    value : float or None
        None is unknown.
    tube : str
        Its tube; empty for the server.
    limits : Bounds
        When it is too low or too high.
    unit : str
        ``"s"`` for seconds, ``"c"`` for a counter, empty for a number.
    server : str
        Its server, where several are checked.
    """

    name: str
    value: float | None
    tube: str = ""
    limits: Bounds = Bounds()
    unit: str = ""
    server: str = ""

    @property
    def state(self) -> int:
        """The state; an unknown value that has limits is unknown."""
        if self.value is None:
            return OK if self.limits == Bounds() else UNKNOWN
        return self.limits.state(self.value)

    @property
    def label(self) -> str:
        """The name with the server and the tube, as performance data has it."""
        return " ".join(filter(None, (self.server, self.tube, self.name)))


class Finding(NamedTuple):
    """One line of a result: its state and its text."""

    state: int
    text: str


class Result(NamedTuple):
    """The result of a check.

    Attributes
    ----------
    state : int
        The exit code.
    findings : sequence of Finding
        What was found, the worst first.
    values : sequence of Value
        All that was measured.
    """

    state: int
    findings: Sequence[Finding]
    values: Sequence[Value]

    @property
    def summary(self) -> str:
        """What was found, in one line."""
        return "; ".join(finding.text for finding in self.findings)


#: Which of two states is worse.
_BADNESS = (OK, UNKNOWN, WARNING, CRITICAL)


def result_of(values: Sequence[Value], others: Iterable[Finding] = (), fine: str = "") -> Result:
    """Return the result of measured values and of other findings.

    Parameters
    ----------
    values : sequence of Value
        All that was measured.
    others : iterable of Finding
        What else is wrong.
    fine : str
        What to say when nothing is wrong.
    """
    found = [Finding(value.state, _text(value)) for value in values if value.state]
    found = sorted([*found, *others], key=lambda finding: _BADNESS.index(finding.state), reverse=True)
    return Result(found[0].state, found, values) if found else Result(OK, [Finding(OK, fine)], values)


def _text(value: Value) -> str:
    if value.value is None:
        return f"{value.label} is unknown"
    limits = value.limits
    broken = limits.critical if value.state == CRITICAL else limits.warning
    assert broken is not None
    where = "inside" if broken.inside else "outside"
    return f"{value.label} {number_of(value.value)}{value.unit} is {where} {broken.text.removeprefix('@')}"


def number_of(value: float) -> str:
    """Return a number without needless digits, never in the form ``1e+06``."""
    return str(int(value)) if value == int(value) else f"{value:.3f}".rstrip("0")


_UNSAFE = re.compile(r"['=|\n\r\x00-\x1f]")


def performance_data(value: Value) -> str:
    """Return a value as performance data: ``'label'=value[unit];warning;critical;minimum``.

    Examples
    --------
    >>> performance_data(Value("buried", 5, "mail", parse_bounds("1,100")))
    "'mail buried'=5;1;100;0"
    """
    label = _UNSAFE.sub("_", value.label)
    if label != value.name:
        label = f"'{label}'"
    limits = [_plain(one) for one in value.limits]
    if value.value is None:
        return f"{label}=U"
    return f"{label}={number_of(value.value)}{value.unit};{limits[0]};{limits[1]};0"


def _plain(limit: Range | None) -> str:
    """Return a range with plain numbers, as performance data has it."""
    if limit is None:
        return ""
    low = "~" if limit.low == -inf else "" if limit.low == 0 else number_of(limit.low)
    high = "" if limit.high == inf else number_of(limit.high)
    bounds = high if not low and high else f"{low or '0'}:{high}"
    return f"@{bounds}" if limit.inside else bounds


def nagios(result: Result) -> str:
    """Return a result as one line with performance data.

    Examples
    --------
    >>> nagios(result_of([Value("ready", 5), Value("buried", 0)], fine="5 jobs ready"))
    'BEANSTALKD OK - 5 jobs ready | ready=5;;;0 buried=0;;;0'
    """
    data = " ".join(map(performance_data, result.values))
    text = result.summary.replace("|", "/")
    return f"BEANSTALKD {STATES[result.state]} - {text}{f' | {data}' if data else ''}"


def prometheus(result: Result) -> str:
    """Return a result in the text format of Prometheus, for the textfile collector of a node exporter.

    Examples
    --------
    >>> print(prometheus(result_of([Value("ready", 5, "mail")])))
    # HELP beanops_check_state State of the check: 0 ok, 1 warning, 2 critical, 3 unknown.
    # TYPE beanops_check_state gauge
    beanops_check_state 0
    # HELP beanops_check_value What the check measured.
    # TYPE beanops_check_value gauge
    beanops_check_value{tube="mail",name="ready"} 5
    """
    lines = [
        "# HELP beanops_check_state State of the check: 0 ok, 1 warning, 2 critical, 3 unknown.",
        "# TYPE beanops_check_state gauge",
        f"beanops_check_state {result.state}",
        "# HELP beanops_check_value What the check measured.",
        "# TYPE beanops_check_value gauge",
    ]
    lines += [
        f'beanops_check_value{{{_of_server(value)}tube="{value.tube}",name="{value.name}"}} {number_of(value.value)}'
        for value in result.values
        if value.value is not None
    ]
    return "\n".join(lines)


def _of_server(value: Value) -> str:
    """Return the label of a value's server. No name of a tube has a quote or a backslash, but that of a server may."""
    escaped = value.server.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'server="{escaped}",' if escaped else ""


def together(results: Mapping[str, Result]) -> Result:
    """Return the results of several servers as one, the worst first.

    Examples
    --------
    >>> fine = result_of([], fine="nothing is wrong")
    >>> together({"a": fine, "b": Result(CRITICAL, [Finding(CRITICAL, "it is full")], [])}).summary
    'b: it is full'
    """
    found = [
        Finding(finding.state, f"{server}: {finding.text}")
        for server, result in results.items()
        for finding in result.findings
    ]
    values = [value._replace(server=server) for server, result in results.items() for value in result.values]
    wrong = sorted((one for one in found if one.state), key=lambda one: _BADNESS.index(one.state), reverse=True)
    return Result(wrong[0].state, wrong, values) if wrong else Result(OK, found, values)
