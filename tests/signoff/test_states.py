"""The table of who may do what: nothing twice, nothing left out, and the page says the same."""

from __future__ import annotations

import re
from itertools import product
from pathlib import Path

import pytest

from riskstrat.codes import CODES
from riskstrat.signoff.codes import SIGNOFF_CODES
from riskstrat.signoff.faults import _WORDS
from riskstrat.signoff.states import (
    _ROWS,
    OWNERS,
    TABLE,
    Action,
    Party,
    Rule,
    State,
    owner_of,
    table_of,
)

PAGE = Path(__file__).parents[2] / "docs" / "sign-off.md"


def test_each_state_has_exactly_one_owner():
    states = [state for each in OWNERS.values() for state in each]
    assert sorted(states) == sorted(State)
    assert {state for state in State if owner_of(state) in OWNERS} == set(State)


def test_the_table_says_one_thing_of_everything():
    assert set(TABLE) == set(product(State, Party, Action))
    for states, parties, action, _ in _ROWS:
        for state, party in product(states.split(), parties.split()):
            covering = [
                row
                for row in _ROWS
                if row[2] is action and state in row[0].split() and party in row[1].split()
            ]
            assert len(covering) == 1


def test_a_row_said_twice_or_left_out_is_refused():
    with pytest.raises(ValueError, match="two rows for approved, author, use"):
        table_of([*_ROWS, ("approved", "author", Action.USE, Rule())])
    with pytest.raises(ValueError, match="no row for"):
        table_of(_ROWS[1:])


def test_every_refusal_has_words_and_a_page():
    codes = {rule.refused for rule in TABLE.values()} - {""}
    assert codes == _WORDS.keys()
    assert codes <= SIGNOFF_CODES.keys() <= CODES.keys()


def test_laws_that_no_row_may_break():
    for (state, party, action), rule in TABLE.items():
        allowed = not rule.refused
        if action is Action.VOTE and allowed:
            assert party is Party.READER and state in (State.SUBMITTED, State.ONE_VOTE)
        if party is Party.AUTHOR and allowed:
            assert action not in (Action.VOTE, Action.REVIEW)
        if action is Action.USE:
            assert allowed == (state is State.APPROVED)
        if State.APPROVED in rule.to:
            assert (state, action) == (State.VOTES_IN, Action.UNSEAL)
        if action is Action.SUBMIT and allowed:
            assert rule.to == {State.SUBMITTED}


def test_every_state_but_the_computed_ones_can_be_reached():
    reached, new = {State.UNSUBMITTED}, {State.UNSUBMITTED}
    while new:
        found = {to for (state, _, _), rule in TABLE.items() if state in new for to in rule.to}
        new = found - reached
        reached |= new
    assert reached == set(State) - {State.VOID, State.EXPIRED}


def test_the_page_shows_the_table():
    """docs/sign-off.md: state, whose turn, and who may review, vote, withdraw, submit and use."""
    rows = re.findall(r"^\| `(\w+)` \| (.+) \|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    shown = {name: [cell.strip() for cell in rest.split("|")] for name, rest in rows}
    assert list(shown) == [state.value for state in State]
    for state in State:
        turn, *cells = shown[state]
        assert turn == owner_of(state).value
        actions = (Action.SUBMIT, Action.REVIEW, Action.VOTE, Action.WITHDRAW, Action.USE)
        for action, cell in zip(actions, cells, strict=True):
            allowed = [p.value for p in Party if not TABLE[state, p, action].refused]
            refused = sorted({TABLE[state, p, action].refused for p in Party} - {""})
            who = "anybody" if len(allowed) == len(Party) else ", ".join(allowed)
            assert cell == "; ".join(filter(None, [who, ", ".join(refused)])), (state, action)
