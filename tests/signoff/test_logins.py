"""Under which login somebody acts, and what became of a version before: shown, and held against."""

from __future__ import annotations

import json
import os
import pwd
import re
import subprocess
import sys
import tempfile
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from riskstrat.release.standing import Cleared
from riskstrat.signoff.faults import SignoffRefused
from riskstrat.signoff.people import Identity
from riskstrat.signoff.states import State
from signoff.desks import ANN, AT, AUTHOR, BEN, CAT, Place, votes

DAY = AT.date()
WHY = "my quite unmistakable reason"


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place.made(tmp_path)


def test_every_entry_tells_the_login_that_the_system_knows_whatever_the_environment_says(
    place, monkeypatch
):
    for name in ("RISKSTRAT_USER", "LOGNAME", "USER"):
        monkeypatch.setenv(name, "Somebody Else")
    place.approved()
    logins = {each["login"] for each in place.log.entries()}
    assert logins == {pwd.getpwuid(os.getuid()).pw_name}


def listed(who: Identity, vouched: str = "accounts") -> Identity:
    return replace(who, vouched=vouched)


def vote_under(place: Place, login: str, who: Identity) -> State:
    return votes(place.under(login), who, "approve").state


@pytest.mark.parametrize(
    ("submits", "ran", "first", "second", "fault"),
    [
        ("pat", (), "ann", "ben", ""),
        ("pat", (), "pat", "ben", "first"),  # who submitted it votes under another name
        ("pat", ("ann",), "ann", "ben", "first"),  # who ran it does
        ("pat", (), "ann", "ann", "second"),  # one person gives both votes
    ],
)
def test_where_there_are_accounts_one_login_is_one_person(
    place, submits, ran, first, second, fault
):
    place.under(submits).submit(place.case(made_under=ran), listed(AUTHOR), AT)
    for number, login, who in (("first", first, ANN), ("second", second, BEN)):
        if number == fault:
            with pytest.raises(SignoffRefused, match="login has acted on it") as refused:
                vote_under(place, login, listed(who))
            assert (refused.value.code, refused.value.exit_code) == ("RS3335", 30)
            return
        vote_under(place, login, listed(who))
    assert place.desk.records.approval("small", 1, DAY).one_login == ()


@pytest.mark.parametrize("vouched", ["login", "oidc"])
def test_accounts_that_name_the_login_and_a_sign_on_service_are_taken_at_their_word(place, vouched):
    desk = place.under("shared")
    desk.submit(place.case(made_under=("shared",)), listed(AUTHOR, vouched), AT)
    for who in (ANN, BEN):
        votes(desk, listed(who, vouched), "approve")
    shown = desk.records.approval("small", 1, DAY).one_login
    # A portal has one login for all it speaks for; accounts that give one to three are told of.
    assert shown == (() if vouched == "oidc" else ("the run", AUTHOR.user, ANN.user, BEN.user))


def test_without_accounts_one_login_is_shown_to_everybody_and_refuses_nothing(place):
    place.under("pat").submit(place.case(made_under=("cat",)), AUTHOR, AT)
    vote_under(place, "pat", ANN)
    assert place.desk.records.view("small", 1, DAY).one_login == (AUTHOR.user, ANN.user)
    vote_under(place, "ben", BEN)
    told = place.desk.records.approval("small", 1, DAY)
    assert told.one_login == (AUTHOR.user, ANN.user)
    sentences = " ".join(Cleared(told).sentences)
    assert "Same login: C. Patel, Ann Lee acted under one login" in sentences
    assert Cleared(told).facts()["signed_off"]["one_login"] == ["C. Patel", "Ann Lee"]


def test_the_login_of_who_submitted_it_before_counts_too(place):
    place.under("pat").submit(place.case(), listed(AUTHOR), AT)
    place.under("pat").withdraw("small", 1, listed(AUTHOR), "again", AT)
    place.under("cat").submit(place.case(), listed(CAT), AT)
    with pytest.raises(SignoffRefused) as refused:
        vote_under(place, "pat", listed(ANN))
    assert refused.value.code == "RS3335"


# -- rounds before -------------------------------------------------------------------------------


def test_reviewers_see_what_became_of_the_version_before_and_so_does_whoever_gets_a_list(place):
    desk = place.submitted()
    votes(desk, ANN, "approve")
    votes(desk, BEN, "reject", why="too many are missed")
    desk.submit(place.case(), AUTHOR, AT + timedelta(days=1))
    votes(desk, CAT, "reject", at=AT + timedelta(days=1), why=WHY)
    desk.withdraw("small", 1, AUTHOR, "to ask others", AT + timedelta(days=2))
    view = desk.submit(place.case(), AUTHOR, AT + timedelta(days=3))
    first, second = view.earlier
    assert (first["state"], first["why"]) == ("rejected", "by Ben Okafor on 2026-04-01")
    assert first["reasons"] == ["too many are missed"]
    assert second["why"] == "by C. Patel on 2026-04-03, with 1 sealed vote never opened"
    assert second["reasons"] == ["to ask others"]
    assert WHY not in json.dumps(view.as_dict())
    [entry] = [each for each in place.log.entries() if each["what"] == "withdraw small 1"]
    assert entry["details"]["signoff"]["unread_votes"] == 1
    for who in (ANN, BEN):
        votes(desk, who, "approve", at=AT + timedelta(days=3))
    told = Cleared(desk.records.approval("small", 1, DAY + timedelta(days=3)))
    sentences = " ".join(told.sentences)
    assert "Submitted before: rejected by Ben Okafor on 2026-04-01" in sentences
    assert "withdrawn by C. Patel on 2026-04-03, with 1 sealed vote never opened" in sentences
    assert "too many" not in sentences
    assert len(told.facts()["signed_off"]["earlier"]) == 2


# -- under logins of their own -------------------------------------------------------------------

NOBODY, NOGROUP = 65534, 65534
AS_ANOTHER = f"""
import os, sys
from pathlib import Path
from signoff.desks import ANN, Place, votes
place = Place(Path(sys.argv[1]))
place.found()  # this reads what is installed, which may be root's alone
os.setgroups([])
os.setgid({NOGROUP})
os.setuid({NOBODY})
os.umask(0o007)
view = votes(place.desk, ANN, "approve", why="mine alone")
print(view.state.value)
"""
PAGE = Path(__file__).parents[2] / "docs/sign-off.md"


def as_another(place: Place) -> subprocess.CompletedProcess[str]:
    """Vote in a process that another user and group own once it has imported what it needs."""
    return subprocess.run(
        [sys.executable, "-c", AS_ANOTHER, str(place.root)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        encoding="utf-8",
    )


@pytest.mark.skipif(os.getuid() != 0, reason="another login is taken on by root alone")
def test_a_login_of_its_own_votes_blind_in_a_store_that_is_set_up_as_the_page_says(tmp_path):
    page = PAGE.read_text(encoding="utf-8")
    [commands] = re.findall(r"<!-- shared store -->\n```sh\n(.*?)```", page, re.DOTALL)
    place = Place.made(tmp_path / "store")
    place.submitted()
    for folder in (tmp_path, *tmp_path.parents):  # those of pytest are closed to others
        if folder == Path(tempfile.gettempdir()):
            break
        folder.chmod(folder.stat().st_mode | 0o011)
    told = commands.replace("reviewers", "nogroup").replace("STORE", str(place.root))
    before = as_another(place)
    assert before.returncode and "Permission denied" in before.stderr
    subprocess.run(["sh", "-ec", told], check=True)
    done = as_another(place)
    assert (done.returncode, done.stdout.strip()) == (0, "one_vote"), done.stderr
    *_, last = place.log.entries()
    assert last["login"] == pwd.getpwuid(NOBODY).pw_name
    [sealed] = (place.root / "signoff").glob("*.vote")
    assert (sealed.stat().st_uid, sealed.stat().st_mode & 0o777) == (NOBODY, 0o600)
    votes(place.desk, BEN, "approve")
    told = place.desk.records.approval("small", 1, DAY)
    assert told.one_login == (AUTHOR.user, BEN.user)  # both of this process, and Ann of her own
