"""`NewProblems`: whether a problem is new, so that a face may ring for it once."""

from __future__ import annotations

from beanops.ui.poller import Live

#: Seconds without a problem after which the same one is new again: one that comes and goes rings once.
AGAIN = 300.0
#: Problems that become one another as time passes.
_SAME = {"burying": "buried"}


class NewProblems:
    """Says whether a look at a server found a new problem, or that the server no longer answers.

    What was there before the first look is not new, and neither is an idle tube beside others.
    """

    def __init__(self) -> None:
        self._began: float | None = None
        # When each problem was there last, by its name and tube.
        self._known: dict[tuple[str, str | None], float] = {}

    def come(self, live: Live) -> bool:
        """Take what is known after a look, and return whether any of it is new.

        Examples
        --------
        >>> NewProblems().come(Live())
        False
        """
        survey = live.survey
        if survey is None or live.playback is not None:
            return False  # nothing is known, or it happened long ago
        if self._began is None:
            self._began = survey.at
        found = {(_SAME.get(one.name, one.name), one.tube): one.since for one in survey.problems}
        if live.lost is not None:
            found = {("lost", None): live.at}  # problems that were known before it was lost say nothing now
        new = [
            key
            for key, since in found.items()
            if since > self._began and live.at - self._known.get(key, -AGAIN) >= AGAIN
        ]
        self._known |= dict.fromkeys(found, live.at)
        return bool(new)
