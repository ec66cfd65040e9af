"""Who may have what: every cell of the role matrix, and the test that holds it.

The cells are those of the user groups: what rows a role is handed, whether it may ever learn who a
pseudonym is, whose columns it sees, and what it reads besides. A cell is held by the tests that its
row names, most of them in their own rooms; what was missing there is below.
"""

from __future__ import annotations

import pytest

from acceptance.named import always_made
from contracts.agreed import agreements, ask, handed
from contracts.test_agreements import ROLES
from custody.test_gateway import ANSWERS
from riskstrat.custody.accounts import DIRECT_CARE, Role
from riskstrat.errors import AgreementError
from riskstrat.vocabulary import Unit

RECIPIENT = {
    Role.DATA_SCIENTIST: "scientist",
    Role.COMMISSIONER: "commissioner",
    Role.INFORMATION_GOVERNANCE: "governance",
    Role.GP: "gp",
    Role.CASEWORKER: "caseworker",
    Role.POLICE: "police",
    Role.SUPPLIER: "supplier",
    Role.PROVIDER: "provider",
}
"""role -> what it is called as a recipient in the tests of agreements"""

ROWS = "contracts.test_agreements::test_every_role_is_handed_its_own_kind_of_rows_and_no_other"
COLUMNS = "contracts.test_agreements::test_a_role_sees_the_columns_of_its_own_domains"
WHO = "custody.test_gateway::test_who_may_learn_who_a_pseudonym_is"
NEVER = "custody.test_gateway::test_no_config_file_can_let_them"
HERE = "acceptance.test_role_matrix"

MATRIX = {
    (Role.DATA_SCIENTIST, "pseudonymised rows"): (ROWS,),
    (Role.DATA_SCIENTIST, "no identifier in them"): (
        "custody.test_nobody_holds_both::test_the_analyst_holds_no_identifier_record_key_or_key",
    ),
    (Role.DATA_SCIENTIST, "no way back to a person"): (WHO, NEVER),
    (Role.COMMISSIONER, "counts alone, where the agreement says so"): (
        ROWS,
        "release.test_cohort_list::test_a_recipient_of_counts_gets_no_rows",
    ),
    (Role.COMMISSIONER, "no pseudonym, rank, risk, date or value in rows"): (
        "release.test_cohort_list::test_a_commissioner_sees_no_pseudonym_rank_risk_date_or_value",
        "pipeline.test_files::test_a_commissioner_sees_no_pseudonym_of_the_run",
    ),
    (Role.COMMISSIONER, "no way back to a person"): (WHO, NEVER),
    (Role.INFORMATION_GOVERNANCE, "no rows of any kind"): (ROWS,),
    (Role.INFORMATION_GOVERNANCE, "logs that name nobody"): (
        "custody.test_gateway::test_the_board_reads_a_log_that_names_nobody",
        "custody.test_nobody_holds_both::test_no_log_holds_an_identifier_a_pseudonym_or_a_key",
    ),
    (Role.INFORMATION_GOVERNANCE, "the legal-basis matrix, the flow, opt-outs in counts"): (
        "pipeline.test_opt_outs::test_check_prints_the_matrix_and_the_data_flow",
    ),
    (Role.INFORMATION_GOVERNANCE, "a log that shows tampering"): (
        "custody.test_commands::test_a_tampered_log_is_found_and_the_entry_named",
    ),
    (Role.INFORMATION_GOVERNANCE, "no way back to a person"): (WHO, NEVER),
    (Role.GP, "rows of own patients alone"): (
        ROWS,
        "release.test_cohort_list::test_each_practice_gets_a_table_of_its_own",
    ),
    (Role.GP, "who their own patients are"): (
        WHO,
        "custody.test_gateway::test_a_practice_learns_who_its_own_patient_is",
        "custody.test_gateway::test_practice_a_does_not_learn_of_practice_bs_patient",
    ),
    (Role.GP, "columns of what the agreement lets it see"): (COLUMNS,),
    (Role.CASEWORKER, "rows of the own caseload alone"): (ROWS,),
    (Role.CASEWORKER, "who is on their own caseload"): (
        WHO,
        "custody.test_gateway::test_a_caseworker_learns_of_their_own_caseload_alone",
    ),
    (Role.CASEWORKER, "licensed domains alone"): (COLUMNS,),
    (Role.POLICE, "counts alone, of their own domain"): (ROWS, COLUMNS),
    (Role.POLICE, "incidents and areas, nobody's person"): (
        f"{HERE}::test_police_are_handed_areas_and_incidents_and_no_people",
    ),
    (Role.POLICE, "no way back to a person"): (WHO, NEVER),
    (Role.SUPPLIER, "no rows and no counts"): (ROWS,),
    (Role.SUPPLIER, "no way back to a person"): (WHO, NEVER),
    (Role.PROVIDER, "counts alone"): (ROWS,),
    (Role.PROVIDER, "no way back to a person"): (WHO, NEVER),
}
"""(role, cell) -> the tests that hold it. A supplier's yes or no is no kind of release yet."""


@pytest.mark.parametrize("name", sorted({name for names in MATRIX.values() for name in names}))
def test_the_test_of_every_cell_is_there_and_is_always_made(name: str) -> None:
    assert always_made(name)


def test_every_role_has_its_cells_in_both_tables() -> None:
    assert {role for role, _ in MATRIX} == set(Role) == set(ANSWERS) == set(RECIPIENT)
    assert set(RECIPIENT.values()) - {"supplier"} == set(ROLES)
    for role in Role:
        cells = {cell: names for (who, cell), names in MATRIX.items() if who is role}
        held = {name for names in cells.values() for name in names}
        assert ROWS in held, role
        assert WHO in held, role
        assert (NEVER in held) == (role not in DIRECT_CARE), role


# -- cells that no other test holds ----------------------------------------------------------------


@pytest.mark.parametrize("unit", list(Unit))
def test_police_are_handed_areas_and_incidents_and_no_people(unit: Unit) -> None:
    """An agreement with the police is about incidents and areas; a study of people is refused."""
    units = [Unit.AREA.value, Unit.INCIDENT.value]
    agreed = agreements(
        health={"recipients": ROLES, "units": units}, police={"recipients": ROLES, "units": units}
    )
    told = {"agreed": agreed, "unit": unit, "handed": handed("police", "aggregate")}
    if unit in (Unit.AREA, Unit.INCIDENT):
        assert ask(**told)
        return
    with pytest.raises(AgreementError, match="allows results about area, incident") as refused:
        ask(**told)
    assert refused.value.exit_code == 11
