"""One person can stop a model at once; the log says so, and only lifting it ends it."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from riskstrat.errors import UsageError
from riskstrat.signoff.faults import SignoffRefused
from riskstrat.signoff.suspension import lift, refuse_suspended, suspend, suspension
from signoff.desks import ANN, AT, BEN, Place

WHY = "admissions halved in May"


def test_a_suspended_version_is_refused_with_who_when_and_why(tmp_path: Path) -> None:
    log = Place.made(tmp_path).log
    suspend(log, "small", 1, ANN, WHY, AT)
    with pytest.raises(
        SignoffRefused, match="since 2026-04-01, by Ann Lee: admissions halved"
    ) as no:
        refuse_suspended(log.entries(), "small", 1)
    assert (no.value.code, no.value.exit_code) == ("RS3720", 30)
    for study, version in (("small", 2), ("large", 1)):
        refuse_suspended(log.entries(), study, version)


def test_a_later_approval_does_not_end_a_suspension_and_lifting_it_does(tmp_path: Path) -> None:
    place = Place.made(tmp_path)
    suspend(place.log, "small", 1, ANN, WHY, AT)
    place.approved(at=AT + timedelta(days=1))
    assert suspension(place.log.entries(), "small", 1) is not None
    lift(place.log, "small", 1, BEN, "the extract was sent again", AT + timedelta(days=2))
    assert suspension(place.log.entries(), "small", 1) is None
    place.log.verify()


def test_what_is_not_suspended_is_not_lifted_and_a_reason_is_needed(tmp_path: Path) -> None:
    log = Place.made(tmp_path).log
    with pytest.raises(UsageError, match="not suspended"):
        lift(log, "small", 1, ANN, WHY, AT)
    with pytest.raises(UsageError, match="reason"):
        suspend(log, "small", 1, ANN, "  ", AT)
    assert not list(log.entries())


ACTS = st.lists(st.tuples(st.sampled_from(["suspended", "lifted"]), st.integers(1, 2)), max_size=8)


@given(acts=ACTS)
def test_the_last_word_about_a_version_counts(acts: list[tuple[str, int]]) -> None:
    entries = [
        {"who": "Ann", "at": "2026-04-01T10:00:00", "why": WHY,
         "details": {"suspension": {"event": event, "study": "small", "version": version}}}
        for event, version in acts
    ]  # fmt: skip
    for version in (1, 2):
        own = [event for event, about in acts if about == version]
        stopped = bool(own) and own[-1] == "suspended"
        assert (suspension(entries, "small", version) is not None) == stopped
