"""The catalogue of actions: what all faces offer, in the same words."""

from __future__ import annotations

from beanops import Session
from beanops.cli.app import COMMANDS
from beanops.notebook.magic import HELP
from beanops.notebook.shown_rows import JOB_BUTTONS
from beanops.session.execution.verbs import ALL, VERBS
from beanops.tui.actions.catalogue import OFFERS
from beanops.ui.actions import CATALOGUE, ON_JOBS


def test_each_action_on_jobs_is_a_verb_and_a_method_of_the_session() -> None:
    for action in ON_JOBS:
        assert action.name in ALL
        assert callable(getattr(Session, action.name))


def test_all_faces_use_the_words_of_the_catalogue() -> None:
    for name in COMMANDS.keys() & CATALOGUE.keys():
        assert COMMANDS[name][1] == f"{CATALOGUE[name].help}."
    assert all(offer.action is CATALOGUE[name] for name, offer in OFFERS.items())
    assert {button.name: button.label for button in JOB_BUTTONS}.items() <= {
        action.name: action.label for action in ON_JOBS
    }.items()
    assert "|".join(VERBS) in HELP


def test_help_is_one_short_imperative_and_no_two_actions_on_jobs_share_a_key() -> None:
    for action in CATALOGUE.values():
        assert action.help[0].isupper()
        assert not action.help.endswith(".")
        assert len(action.help) <= 90
    keys = [action.key for action in ON_JOBS]
    assert len(keys) == len(set(keys))
