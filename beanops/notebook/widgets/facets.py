"""The part that filters the jobs of a table by their bins: what it sends to the page, and what the user chooses there.

The page side is ``page/facets/facets.js``, which counts what remains after a choice.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from beanops.jobs.bins import Dimension, JobBins, RangeBins
from beanops.jobs.bins.body_values import written
from beanops.jobs.bins.dimensions import where_of
from beanops.jobs.bodies import Reader
from beanops.jobs.bodies.redaction import DEFAULT_PATTERNS, names_secret, redact
from beanops.notebook.widgets.buttons import STALE, Confirm, ToolButton, confirm_steps
from beanops.notebook.widgets.channel import Buffers, Channel
from beanops.protocol.errors import UsageError
from beanops.text import did_you_mean, percentage, plural, safe_text

#: Causes, values of each path and characters of each in a snapshot.
_CAUSES, _VALUES, _CHARACTERS = 12, 6, 100
#: Paths that are offered.
_PATHS = 200


class FacetCall(NamedTuple):
    """The selection of the jobs that are filtered, as the arguments of `Session.jobs`.

    Attributes
    ----------
    tube, state, where : str or None
        The arguments.
    only : str
        The state of all the jobs, empty where they have several.
    """

    tube: str | None = None
    state: str | None = None
    where: str | None = None
    only: str = ""


class FacetAction(NamedTuple):
    """A button was pressed for all jobs that match.

    Attributes
    ----------
    name : str
        The verb.
    where : str or None
        The predicate that they must still match.
    ids : list of int
        The jobs, whose number was confirmed.
    text : str
        The text beside the button.
    """

    name: str
    where: str | None
    ids: list[int]
    text: str


class FacetFilter(Channel):
    """Histograms and values of jobs, of which some are chosen.

    Parameters
    ----------
    name : str
        Its name in the view.
    actions : sequence of ToolButton
        Buttons that act on all jobs that match.
    confirm : callable
        Returns the confirmation that an action needs, from its name and a number of jobs.
    ask : str
        Placeholder of the query box.
    on_ask : callable or None
        Called with the text of the query box, when the user presses Enter.
    on_act : callable or None
        Called with a `FacetAction`.
    on_path : callable or None
        Called with a path into the bodies that gets a histogram, and whether it is added or dropped.
    on_error : callable or None
        Called with the text of a rejection, or of an error in a handler.
    """

    kind = "facets"
    files = (
        "facets/crossfilter.js",
        "facets/histograms.js",
        "facets/heatmap.js",
        "facets/groups.js",
        "facets/matching.js",
        "facets/facets.js",
    )

    def __init__(
        self,
        name: str,
        *,
        actions: Sequence[ToolButton] = (),
        confirm: Confirm,
        ask: str = "",
        on_ask: Callable[[str], None] | None = None,
        on_act: Callable[[FacetAction], None] | None = None,
        on_path: Callable[[str, bool], None] | None = None,
        on_error: Callable[[str], None] | None = None,
        **how: Any,
    ) -> None:
        described = [{**action._asdict(), "confirm": confirm_steps(confirm, action.name)} for action in actions]
        super().__init__(name, {"actions": described, "ask": ask, "call": FacetCall()._asdict()}, on_error, **how)
        self._actions = {action.name: action for action in actions}
        self._confirm = confirm
        self._on_ask, self._on_act, self._on_path = on_ask, on_act, on_path
        self._call = FacetCall()
        self._bins = JobBins(Reader())
        self._at = 0.0
        self._version = 0
        self._dimensions: dict[str, Dimension] = {}
        self._chosen: dict[str, list[int]] = {}

    # -- choices -------------------------------------------------------------------------------------------------

    @property
    def dimensions(self) -> Mapping[str, Dimension]:
        """The bins, by name."""
        return self._dimensions

    @property
    def chosen(self) -> Mapping[str, Sequence[int]]:
        """The chosen bins by the name of their dimension, without those of which nothing is chosen."""
        return self._chosen

    @property
    def where(self) -> str | None:
        """The predicate of all choices; None without any."""
        return where_of([(self._dimensions[name], codes) for name, codes in self._chosen.items()])

    @property
    def lasting_where(self) -> str | None:
        """The predicate of the choices that a job may cease to match, for jobs that are known by their ids.

        When a job was put never changes, but it is known to the second alone: a job at an end of a range may seem to
        be on its other side in the next look.
        """
        return where_of([(self._dimensions[name], codes) for name, codes in self._chosen.items() if name != "age"])

    @property
    def matching(self) -> list[int]:
        """The ids of the jobs that match all choices."""
        return self.matching_in(None)

    def choose(self, name: str, codes: Sequence[int] | None) -> None:
        """Choose bins of a dimension, or none, which is the same as all.

        Raises
        ------
        UsageError
            There is no such dimension.
        """
        with self._lock:
            self._dimension(name)
            self._choose_all({**self._chosen, name: list(codes or ())})
            self.send("chosen", chosen=self._chosen)

    def codes(self, name: str, values: Sequence[Any]) -> list[int]:
        """Return the bins of values: of texts, of names of groups, or between the two ends of a range.

        Raises
        ------
        UsageError
            There is no such dimension or value.
        """
        bins = self._dimension(name)
        if isinstance(bins, RangeBins):
            try:
                return bins.between([float(value) for value in values]) if values else []
            except (TypeError, ValueError):
                raise UsageError(f"{name} is chosen by the two ends of a range, as numbers: {values!r} given") from None
        known = {
            **{label: code for code, label in enumerate(bins.labels)},
            **{key: n for n, key in enumerate(bins.keys)},
        }
        texts = [written(value) for value in values]
        for text in texts:
            if text not in known:
                raise UsageError(f"{name} has no value {text!r}{did_you_mean(text, map(str, known))}")
        return [known[text] for text in texts]

    def _dimension(self, name: str) -> Dimension:
        if name not in self._dimensions:
            names = ", ".join(self._dimensions) or "none yet"
            raise UsageError(f"no histogram of {name}: there are {names}{did_you_mean(name, self._dimensions)}")
        return self._dimensions[name]

    def _choose_all(self, chosen: Mapping[str, Sequence[int]]) -> None:
        checked = {}
        for name, codes in chosen.items():
            bins = self._dimensions.get(name)
            known = sorted({int(code) for code in codes if bins is not None and 0 <= int(code) < bins.size})
            if bins is not None and 0 < len(known) < bins.size:
                checked[name] = known
        self._chosen = checked

    def _mask(self, chosen: Mapping[str, Sequence[int]]) -> Any:
        import numpy as np

        mask = np.ones(len(self._bins.ids), dtype=bool)
        for name, codes in chosen.items():
            allowed = np.zeros(256, dtype=bool)
            allowed[list(codes)] = True
            # Jobs that were added since the bins were made have none.
            made = self._dimensions[name].codes
            mask[: len(made)] &= allowed[made]
            mask[len(made) :] = False
        return mask

    def matching_in(self, states: Sequence[str] | None) -> list[int]:
        """Return the ids of the jobs that match all choices and are in some states; None for all."""
        import numpy as np

        with self._lock:
            mask = self._mask(self._chosen)
            mask[[place for id in self._bins.gone if (place := self._bins.place(id)) is not None]] = False
            by_state = self._dimensions.get("state")
            if states is not None and by_state is None:
                mask &= self._call.only in states
            elif states is not None:
                wanted = [code for code, state in enumerate(by_state.keys) if state in states]  # type: ignore[union-attr]
                known = by_state.codes  # type: ignore[union-attr]
                mask[len(known) :] = False
                mask[: len(known)] &= np.isin(known, wanted)
            ids: list[int] = np.array(self._bins.ids, dtype="uint64")[mask].tolist()
        return ids

    def states_of(self, ids: Sequence[int]) -> list[str]:
        """Return the states in which some of the jobs are shown."""
        by_state = self._dimensions.get("state")
        if by_state is None:
            return [self._call.only]
        places = [place for id in ids if (place := self._bins.place(id)) is not None]
        keys: Sequence[str] = by_state.keys  # type: ignore[union-attr]
        return [keys[code] for code in sorted(set(by_state.codes[places].tolist()))]

    # -- to the page ---------------------------------------------------------------------------------------------

    def show(self, bins: JobBins, call: FacetCall, at: float) -> None:
        """Show the bins of jobs.

        Parameters
        ----------
        bins : JobBins
            The jobs.
        call : FacetCall
            Their selection.
        at : float
            The present, in seconds since 1970.
        """
        with self._lock:
            same = bins is self._bins
            kept = {name: self._dimensions[name] for name in self._chosen} if same else {}
            self._bins, self._call, self._at = bins, call, at
            self._dimensions = bins.dimensions(at, kept)
            self._choose_all(self._chosen if same else {})
            states = self._dimensions.get("state")
            if states is None and len(bins.ids):
                self._call = call._replace(only=bins.state)
            self._version += 1
            if self._greeted:
                self._send_all()

    def gone(self, ids: Sequence[int]) -> None:
        """Leave out jobs that are no longer there."""
        with self._lock:
            fresh = [id for id in ids if id not in self._bins.gone]
            if fresh:
                self._bins.gone.update(fresh)
                self.send("gone", ids=fresh)

    def _send_all(self) -> None:
        import numpy as np

        ids = np.array(self._bins.ids, dtype="float64").tobytes()
        codes = [bins.codes.tobytes() for bins in self._dimensions.values()]
        self.send("bins", buffers=[ids, *codes], **self._content(self._dimensions.values()))

    def _content(self, dimensions: Sequence[Dimension] | Any) -> dict[str, Any]:
        return {
            "version": self._version,
            "at": self._at,
            "total": len(self._bins.ids) - len(self._bins.gone),
            "dims": [bins.described for bins in dimensions],
            "chosen": self._chosen,
            "paths": self._paths(),
            "gone": [place for id in self._bins.gone if (place := self._bins.place(id)) is not None],
            "call": self._call._asdict(),
        }

    def _paths(self) -> list[dict[str, str]]:
        known = self._bins.paths
        most = max((facet.jobs for facet in known), default=0)
        return [
            {"path": facet.path, "about": f"{percentage(facet.jobs, most)} of jobs, {plural(facet.distinct, 'value')}"}
            for facet in known
            if "[*]" not in facet.path and facet.distinct and facet.path not in self._bins.chosen_paths
        ][:_PATHS]

    def snapshot(self) -> list[dict[str, Any]]:
        """Return what a page without a kernel shows: counts of the largest groups and values, without jobs."""
        import numpy as np

        with self._lock:
            shown = []
            secrets = (*DEFAULT_PATTERNS, *self._bins.reader.patterns)
            for bins in self._dimensions.values():
                if bins.name.startswith("$") and names_secret(bins.name, secrets):
                    continue
                shown.append(_cut(bins.described, _CAUSES if bins.name == "cause" else _VALUES, secrets))
            content = {**self._content(()), "dims": shown, "chosen": {}, "paths": [], "gone": []}
            if self._call.where and names_secret(self._call.where, secrets):
                content["call"] = self._call._replace(where=None)._asdict()
            causes, times = self._dimensions.get("cause"), self._dimensions.get("age")
            if causes is not None and times is not None:
                first = min(causes.size, _CAUSES)
                both = (causes.codes < first) & (times.codes < times.size)
                pairs = causes.codes[both].astype("int64") * times.size + times.codes[both]
                content["cross"] = np.bincount(pairs, minlength=first * times.size).tolist()
            shown_bins = [{"kind": "bins", **content}] if len(self._bins.ids) else []
            return [*shown_bins, *super().snapshot()]

    # -- from the page -------------------------------------------------------------------------------------------

    def _handle(self, message: dict[str, Any], buffers: Buffers) -> None:
        kind = message.get("kind")
        if kind == "choose":
            with self._lock:
                if message["version"] == self._version:
                    self._choose_all(message["chosen"])
        elif kind == "ask" and self._on_ask:
            self._on_ask(str(message["text"]))
        elif kind == "act" and message["name"] in self._actions:
            self._act(self._actions[message["name"]], message)
        elif kind in ("path", "drop") and self._on_path:
            self._on_path(str(message["path"]), kind == "path")

    def _act(self, action: ToolButton, message: dict[str, Any]) -> None:
        age = self._clock() - message["clicked"]
        if age > STALE:
            late = f"click delayed by {age:.0f} s, the kernel was busy; click again"
            raise UsageError(f"{action.name} was refused: {late}")
        with self._lock:
            if message["version"] == self._version:
                self._choose_all(message["chosen"])
            ids, asked = self.matching_in(action.states), int(message["count"])
            where, jobs = self.lasting_where, len(ids)
        if message["version"] != self._version or jobs != asked:
            raise UsageError(f"{action.name} was refused: {asked:,} matched at the click, {jobs:,} now; click again")
        needed = self._confirm(action.name, jobs)
        if needed.typed and not needed.accepts(message.get("typed") or ""):
            raise UsageError(f"{action.name} was refused: type {needed.typed} to confirm")
        if self._on_act and jobs:
            self._on_act(FacetAction(action.name, where, ids, str(message.get("text") or "")))


def _cut(described: dict[str, Any], most: int, secrets: Sequence[str]) -> dict[str, Any]:
    """Return the description of bins of values without the smallest of them, and without secrets in them."""
    if described["kind"] != "values":
        return described
    labels = [safe_text(str(redact(label, secrets)), limit=_CHARACTERS) for label in described["labels"][:most]]
    rest = [code for code in described["rest"] if code < most]
    # Only labels are shown: nothing can be chosen without a kernel, which is what literals are for.
    hidden = {"keys": [], "literals": [None] * len(labels)} if described["name"].startswith("$") else {}
    return {
        **described,
        "keys": described["keys"][:most],
        "labels": labels,
        "literals": described["literals"][:most],
        "wheres": {},
        "counts": described["counts"][:most],
        "rest": rest,
        **hidden,
    }
