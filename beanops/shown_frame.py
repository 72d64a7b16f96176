"""`ShownFrame`, the frames that users get: exact data, shown safely, with spans of time that people can read and plot.

Only what is shown differs from pandas' own frames: in text and HTML control characters are visible, so that a job's
body cannot reach a terminal or a saved notebook with them, and a span is ``1m48s`` rather than ``0 days 00:01:48``. A
plot has spans in seconds, because pandas plots none. Slices and columns are shown in the same way;
``pandas.DataFrame(frame)`` is a frame of pandas.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from copy import copy
from datetime import timedelta
from typing import Any

import pandas as pd
from pandas.plotting import PlotAccessor

from beanops.text import safe_text, span


def short_span(value: Any) -> str:
    """Return a span of time in its two largest units.

    Examples
    --------
    >>> short_span(timedelta(seconds=108)), short_span(timedelta(milliseconds=250)), short_span(timedelta(seconds=2.5))
    ('1m48s', '250ms', '2.5s')
    """
    if pd.isna(value):
        return "NaT"
    seconds = pd.Timedelta(value).total_seconds()
    if abs(seconds) < 60 and seconds != int(seconds):
        return f"{seconds:.3g}s" if abs(seconds) >= 1 else f"{seconds * 1000:.3g}ms"
    return span(seconds)


def _shown(value: Any) -> str:
    if isinstance(value, timedelta):
        return short_span(value)
    return safe_text(value if isinstance(value, str) else str(value))


def _formatter(dtype: Any) -> Callable[[Any], str] | None:
    """Return how the cells of a column are shown; None where pandas knows."""
    if dtype.kind == "m":
        return short_span
    return _shown if dtype == "str" or dtype.kind == "O" else None


def _safe_labels(labels: pd.Index[Any]) -> pd.Index[Any]:
    """Return the labels of rows or columns, which may come from bodies too, with everything visible."""
    names = [safe_text(name) if isinstance(name, str) else name for name in labels.names]
    if isinstance(labels, pd.MultiIndex):
        levels: Any = [_safe_labels(level) for level in labels.levels]
        return labels.set_levels(levels, verify_integrity=False).set_names(names)
    if _formatter(labels.dtype) is _shown:
        labels = labels.map(lambda label: safe_text(label) if isinstance(label, str) else label)
    return labels.rename(names[0])


def _numbers(column: pd.Series[Any]) -> pd.Series[Any]:
    """Return a column with seconds in the place of spans of time."""
    return column.dt.total_seconds() if column.dtype.kind == "m" else column


class ShownSeries(pd.Series):
    """A column of a `ShownFrame`."""

    @property
    def _constructor(self) -> Any:
        return ShownSeries

    @property
    def _constructor_expanddim(self) -> Any:
        return ShownFrame

    def to_string(self, buf: Any = None, **how: Any) -> Any:
        """Return it as text, as pandas does, with everything visible."""
        plain = self._plain()
        show = _formatter(plain.dtype)
        plain.index = _safe_labels(plain.index)
        plain.name = safe_text(plain.name) if isinstance(plain.name, str) else plain.name
        if show is None:
            return plain.to_string(buf, **how)
        cells = plain.astype(object)
        # pandas shows the first rows and the last.
        most = how.get("max_rows") or len(cells)
        for rows in {range(min(most, len(cells))), range(max(0, len(cells) - most), len(cells))}:
            part = cells.iloc[rows.start : rows.stop]
            cells.iloc[rows.start : rows.stop] = [one if pd.isna(one) is True else show(one) for one in part]
        text: str = cells.to_string(**how).removesuffix("dtype: object")
        text += f"dtype: {plain.dtype}" if how.get("dtype") else ""
        return text if buf is None else buf.write(text)

    def describe(self, *arguments: Any, **how: Any) -> Any:  # type: ignore[misc]
        """Return descriptive statistics, shown in the same way."""
        return type(self)(super().describe(*arguments, **how))

    def value_counts(self, *arguments: Any, **how: Any) -> Any:
        """Return how often each value occurs, shown in the same way."""
        return ShownSeries(super().value_counts(*arguments, **how))

    @property
    def plot(self) -> PlotAccessor:
        """Plots, with spans of time in seconds."""
        return PlotAccessor(self._in_seconds())

    def hist(self, *arguments: Any, **how: Any) -> Any:
        """Draw a histogram, of spans of time in seconds."""
        return self._in_seconds().hist(*arguments, **how)

    def __reduce_ex__(self, protocol: Any) -> Any:
        return copy, (self._plain(),)  # as a series of pandas, readable without beanops

    def _plain(self) -> pd.Series[Any]:
        plain = pd.Series(self, copy=False)
        plain.attrs = self.attrs
        return plain

    def _in_seconds(self) -> pd.Series[Any]:
        plain = self._plain()
        return _numbers(plain).rename(f"{plain.name} (s)") if plain.dtype.kind == "m" else plain


class ShownFrame(pd.DataFrame):
    """A frame of beanops; see the module.

    Examples
    --------
    >>> frame = ShownFrame({"age": pd.to_timedelta([108], unit="s"), "body": ["\\x1b[31mred"]})
    >>> print(frame)
        age        body
    0 1m48s \\x1b[31mred
    >>> frame["body"][0] == "\\x1b[31mred"
    True
    """

    @property
    def _constructor(self) -> Any:
        return ShownFrame

    @property
    def _constructor_sliced(self) -> Any:
        return ShownSeries

    def to_string(self, buf: Any = None, **how: Any) -> Any:
        """Return it as text, as pandas does, with everything visible."""
        plain, how = self._with_formatters(how)
        return plain.to_string(buf, **how)

    def to_html(self, buf: Any = None, **how: Any) -> Any:
        """Return it as an HTML table, as pandas does, with everything visible."""
        plain, how = self._with_formatters(how)
        return plain.to_html(buf, **how)

    def _repr_html_(self) -> str | None:
        option = pd.get_option
        if not option("display.notebook_repr_html") or option("display.large_repr") == "info":
            plain: str | None = self._plain()._repr_html_()  # type: ignore[operator]
            return plain
        most, shown = option("display.max_rows"), option("display.min_rows")
        if most and shown and len(self) > most:
            most = min(most, shown)
        html: str = self.to_html(
            max_rows=most or None,
            max_cols=option("display.max_columns") or None,
            show_dimensions=option("display.show_dimensions"),
            notebook=True,
        )
        return html

    def describe(self, *arguments: Any, **how: Any) -> Any:  # type: ignore[misc]
        """Return descriptive statistics, shown in the same way."""
        return type(self)(super().describe(*arguments, **how))

    def value_counts(self, *arguments: Any, **how: Any) -> Any:
        """Return how often each value occurs, shown in the same way."""
        return ShownSeries(super().value_counts(*arguments, **how))

    @property
    def plot(self) -> PlotAccessor:
        """Plots, with spans of time in seconds."""
        return PlotAccessor(self._in_seconds())

    def hist(self, *arguments: Any, **how: Any) -> Any:
        """Draw histograms, of spans of time in seconds."""
        return self._in_seconds().hist(*arguments, **how)

    def __reduce_ex__(self, protocol: Any) -> Any:
        return copy, (self._plain(),)  # as a frame of pandas, readable without beanops

    def _plain(self) -> pd.DataFrame:
        plain = pd.DataFrame(self, copy=False)
        plain.attrs = self.attrs
        return plain

    def _in_seconds(self) -> pd.DataFrame:
        return self._plain().apply(_numbers)

    def _with_formatters(self, how: dict[str, Any]) -> tuple[pd.DataFrame, dict[str, Any]]:
        """Return the frame and pandas' arguments for showing it: those of the caller, and formatters of cells."""
        plain = self._plain()
        plain.index, plain.columns = _safe_labels(plain.index), _safe_labels(plain.columns)
        own: dict[Hashable, Any] = {
            name: show for name, dtype in zip(plain.columns, plain.dtypes, strict=True) if (show := _formatter(dtype))
        }
        given = how.get("formatters") or {}
        if not isinstance(given, Mapping):
            return plain, how
        return plain, how | {"formatters": own | {**given}}
