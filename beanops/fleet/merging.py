"""One frame of the frames of several servers: `joined`, and in `MERGES` what else that takes for each kind of frame.

Importing this module imports pandas, which costs half a second.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from beanops.jobs.frames import COLUMNS
from beanops.jobs.select import names_of
from beanops.monitor.problems.problem import SEVERITIES
from beanops.protocol import ServerStats
from beanops.shown_frame import ShownFrame

#: The verdict on a search that found everything; a tube need not be on every server.
_COMPLETE = re.compile(r"complete: ([\d,]+) found(?:; (no tube .*))?")
#: Changes the frame of all servers, given also the frames of each; `most` is the maximum number of rows, None for all.
Finish = Callable[[pd.DataFrame, Mapping[str, pd.DataFrame], int | None], pd.DataFrame]


def joined(frames: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Return the rows of several servers, in the order of the servers, with their names in a first column ``server``.

    Rows that are indexed by time stay so. A column of this name, such as that of addresses in actions, is replaced.
    """
    parts = [frame.drop(columns="server") if "server" in frame else frame for frame in frames.values()]
    if not parts:
        return ShownFrame({"server": pd.array([], dtype="str")})
    named = any(part.index.name is not None for part in parts)
    for part in parts:
        part.attrs = {}  # or pandas compares them
    whole = parts[0].copy() if len(parts) == 1 else pd.concat(parts, ignore_index=not named)
    of_servers(whole, {name: len(part) for name, part in zip(frames, parts, strict=True)})
    return whole


def of_servers(whole: pd.DataFrame, counts: Mapping[str, int]) -> None:
    """Insert the column ``server`` into the rows of several servers, of which each has so many."""
    places = np.repeat(np.arange(len(counts)), list(counts.values()))
    names = pd.array(list(counts), dtype="str").take(places)
    whole.insert(0, "server", pd.Series(names, index=whole.index))


def verdicts(frames: Mapping[str, Any]) -> str:
    """Return the verdicts on the searches of several servers; those that are complete are counted together."""
    texts = {name: str(text) for name, text in frames.items() if text}
    whole = {name: found for name, text in texts.items() if (found := _COMPLETE.fullmatch(text))}
    total = sum(int(found[1].replace(",", "")) for found in whole.values())
    words = [f"complete: {total:,} found"] if whole else []
    no_tube = [found[2] for found in whole.values()]
    words += no_tube[:1] if no_tube and len(whole) == len(texts) and all(no_tube) else []
    return "; ".join([*words, *(f"{name}: {text}" for name, text in texts.items() if name not in whole)])


def _verdict(whole: pd.DataFrame, frames: Mapping[str, pd.DataFrame], most: int | None) -> pd.DataFrame:
    whole.attrs["verdict"] = verdicts({name: frame.attrs.get("verdict") for name, frame in frames.items()})
    return whole


def _worst_first(whole: pd.DataFrame, frames: Mapping[str, pd.DataFrame], most: int | None) -> pd.DataFrame:
    rank = {severity: place for place, severity in enumerate(SEVERITIES)}
    return _sorted(whole, whole["severity"].map(rank))


def _newest_first(whole: pd.DataFrame, frames: Mapping[str, pd.DataFrame], most: int | None) -> pd.DataFrame:
    return _sorted(whole, whole["time"], ascending=False)


def _sorted(whole: pd.DataFrame, by: Any, ascending: bool = True) -> pd.DataFrame:
    """Return rows in an order; those that are alike stay as they were."""
    places = by.reset_index(drop=True).sort_values(ascending=ascending, kind="stable").index
    ordered: pd.DataFrame = whole.iloc[places].reset_index(drop=True)
    return ordered


def _largest_first(whole: pd.DataFrame, frames: Mapping[str, pd.DataFrame], most: int | None) -> pd.DataFrame:
    """Return groups of all servers, the largest first, with their share of all jobs."""
    attrs = [frame.attrs for frame in frames.values()]
    total = sum(one["total"] for one in attrs)
    whole["share"] = whole["count"] / total if total else whole["share"]
    found = _sorted(whole, whole["count"], ascending=False)
    kept = found.iloc[:most].copy()
    others = [one["other_groups"] for one in attrs]
    kept.attrs = {
        "others": total - int(kept["count"].sum()),
        "other_groups": None if None in others else sum(others) + len(found) - len(kept),
        "total": total,
        "complete": all(one["complete"] for one in attrs),
        "verdict": verdicts({name: frame.attrs["verdict"] for name, frame in frames.items()}),
    }
    return kept


def server_rows(found: Mapping[str, ServerStats]) -> pd.DataFrame:
    """Return the statistics of servers, one row each; numbers that a server does not report are missing."""
    columns: dict[str, Any] = {"server": pd.array(list(found), dtype="str")}
    for name in ServerStats._fields:
        if name != "extra":
            columns[name] = pd.Series([getattr(one, name) for one in found.values()]).convert_dtypes()
    return ShownFrame(columns)


#: By the method of a session whose frames are joined: what is left to do. Others need no more.
MERGES: Mapping[str, Finish] = {
    "problems": _worst_first,
    "groups": _largest_first,
    "sql": _verdict,
    "jobs": _verdict,
    "actions": _newest_first,
    "runs": _newest_first,
}

#: The column that an order of jobs is by, and whether its highest value comes first.
_AGES = {"newest": ("created", False), "oldest": ("created", True)}


def order_of(order: str) -> tuple[str, bool]:
    """Return the column that decides between jobs of several servers, and whether its lowest value comes first."""
    return _AGES.get(order) or (order.removeprefix("-"), not order.startswith("-"))


def columns_for(order: str, columns: Any) -> tuple[Any, list[str] | None]:
    """Return the columns to ask each server for so that its jobs can be ordered, and those that are wanted.

    Parameters
    ----------
    order : str
        As in `Session.jobs`.
    columns : str, iterable of str, or None
        As in `Session.jobs`; None is all, and needs no more.
    """
    if columns is None:
        return None, None
    wanted = [name for name in names_of("columns", columns) if name != "server"]  # which is there anyway
    by = order_of(order)[0]
    if not wanted:
        return ["id", by] if by in COLUMNS and by != "id" else ["id"], wanted
    return ([*wanted, by] if by in COLUMNS and by not in wanted else wanted), wanted


def in_order(found: pd.DataFrame, order: str, most: int | None, wanted: Sequence[str] | None) -> pd.DataFrame:
    """Return the jobs of several servers in the order that was asked for, at most so many, with the wanted columns."""
    by, ascending = order_of(order)
    attrs = found.attrs
    if by in found.columns and found["server"].nunique() > 1:
        key = found[by]
        if order in _AGES:  # known to the second: the order of ids on one server is more exact
            key = key.groupby(found["server"], sort=False).transform("cummax" if ascending else "cummin")
        found = _sorted(found, key, ascending)
    found = found.iloc[:most]
    if wanted is not None:
        found = found[["server", *wanted]]
    found.attrs = attrs
    return found
