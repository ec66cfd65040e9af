"""What a study says about itself, as tables and sentences: its question, basis and recipients."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from riskstrat.publish.tables import PlainTable
from riskstrat.vocabulary import in_words

REIDENTIFICATION = (
    "Extracts hold pseudonyms, and nothing in this run can turn a pseudonym into a person: only "
    "the linker, who holds the key and no scores, can."
)
WHO_CAN = {
    "own_patients": "{who} can ask the linker about its own people, and nobody else's",
    "pseudonymised": "{who} gets ids that are valid for one list and join to nothing",
    "aggregate": "{who} gets counts only",
}
GETS = {
    "own_patients": "A list of its own people: pseudonym, risk, and reasons with their values",
    "pseudonymised": "A list without pseudonyms, ranks or values, under ids for that list alone",
    "aggregate": "Counts of people under the disclosure policy",
}


def units_of(told: Mapping[str, Any]) -> str:
    """What a study's units are called: people, households."""
    return {"person": "people"}.get(told["unit"], f"{told['unit']}s")


def outcome_of(told: Mapping[str, Any]) -> str:
    """What a study's outcome is called."""
    return str(told["outcome"]["title"] or told["outcome"]["name"].replace("_", " "))


def question_of(told: Mapping[str, Any]) -> str:
    """A study's question in one sentence, from its effective text."""
    outcome = outcome_of(told)
    within = "" if "within" in outcome else f" within {told['outcome']['within']}"
    return f"For which {units_of(told)} is this most likely{within}: {outcome}?"


def who_can_reidentify(release: Mapping[str, Any]) -> tuple[str, ...]:
    """What keeps a pseudonym a pseudonym, and what each recipient can do."""
    recipients = release.get("recipients") or ()
    said = [WHO_CAN[each["rows"]].format(who=in_words(each["to"])) for each in recipients]
    return (REIDENTIFICATION, *([f"{'; '.join(said)}."] if said else []))


def recipients_table(release: Mapping[str, Any]) -> PlainTable:
    """recipient, gets, shown, bands, valid_for."""
    rows = [
        {
            "recipient": in_words(each["to"]),
            "gets": GETS[each["rows"]],
            "shown": ", ".join(
                in_words(name) for name in each.get("by") or each.get("columns") or ()
            )
            or "The usual columns",
            "bands": ", ".join(in_words(band) for band in each.get("bands") or release["bands"]),
            "valid_for": release.get("valid_for") or "90 days",
        }
        for each in release.get("recipients") or ()
    ]
    columns = ("recipient", "gets", "shown", "bands", "valid_for")
    return PlainTable.of("Who receives what", columns, rows)


def sharing_table(rows: Sequence[Mapping[str, Any]]) -> PlainTable:
    """source, purpose, opt_outs, and what each recipient may have: one row per source and purpose.

    Args:
        rows: source, purpose, opt_outs (kinds), recipients (name -> what it may have).
    """
    who = list(dict.fromkeys(name for row in rows for name in row["recipients"]))
    told = [
        {
            "source": in_words(row["source"]),
            "purpose": in_words(row["purpose"]),
            "opt_outs": ", ".join(in_words(kind) for kind in row["opt_outs"]) or "None bind",
            **row["recipients"],
        }
        for row in rows
    ]
    columns = ("source", "purpose", "opt_outs", *who)
    return PlainTable.of("Who may have what of each source, for each purpose", columns, told)


def flow_table(rows: Sequence[Mapping[str, Any]]) -> PlainTable:
    """origin, to, what, under: one row per arrow of the data flow."""
    return PlainTable.of("Where data come from and go to", ("origin", "to", "what", "under"), rows)


def agreements_table(rows: Sequence[Mapping[str, Any]]) -> PlainTable:
    """One row per agreement and basis, naming the sources that rest on it.

    Args:
        rows: agreement, sources, columns (how many are used), uk_gdpr, statutory_gateway,
            common_law, ends; one per source.
    """
    basis = ("agreement", "uk_gdpr", "statutory_gateway", "common_law", "ends")
    merged: dict[tuple[Any, ...], list[str]] = {}
    for row in rows:
        columns = f"{row['columns']} column{'' if row['columns'] == 1 else 's'}"
        told = f"{row['sources']} ({columns})"
        merged.setdefault(tuple(row[name] for name in basis), []).append(told)
    return PlainTable.of(
        "Legal basis",
        ("agreement", "sources", "uk_gdpr", "statutory_gateway", "common_law", "ends"),
        [
            {**dict(zip(basis, key, strict=True)), "sources": "; ".join(sources)}
            for key, sources in merged.items()
        ],
    )
