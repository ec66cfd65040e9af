"""Data sheets of the sources, the legal-basis matrix, opt-outs and how records were linked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from riskstrat.publish.diagrams import data_flow_chart
from riskstrat.publish.linkage import linkage
from riskstrat.publish.pack.facts import Facts
from riskstrat.publish.pack.parts import IG, TEAM, Group, Item, Page
from riskstrat.publish.parts import Drawing
from riskstrat.publish.stewardship import objections
from riskstrat.publish.tables import PlainTable, records, shown
from riskstrat.publish.wording import mark


def data_sheets(facts: Facts) -> Page:
    """One sheet for each source: whose, what of it, how complete, what is wrong with it."""
    return Page(
        "data-sheets",
        "Data sheets",
        "For each source: whose data they are, what is used of them, how complete they are and "
        "what was found wrong with them.",
        (
            Group(
                "All sources",
                (
                    Item(
                        "sheets.missing",
                        "Why were these data collected, and who is missing from them?",
                        who=TEAM,
                    ),
                ),
            ),
            *(_sheet(facts, row) for row in records(facts.data.sources)),
        ),
        source="after Gebru et al., Datasheets for Datasets, doi:10.1145/3458723",
    )


def _sheet(facts: Facts, row: Mapping[str, Any]) -> Group:
    name = str(row["source"])
    features = records(facts.data.dictionary, source=name)
    used = "; ".join(str(each["meaning"]) for each in features[:12])
    more = f"; and {len(features) - 12} more" if len(features) > 12 else ""
    policy = facts.data.policy
    rows_in, rejected = (_count(row[each], policy) for each in ("rows_in", "rejected"))
    notices = [
        f"{each['code']}: {each['message']}"
        for each in records(facts.data.findings)
        if name in str(each["where"]).split(".")[0:1] or each["where"] == name
    ]
    items = (
        Item(f"sheet.{name}.whose", "Whose are they?", f"{row['agency']}."),
        Item(
            f"sheet.{name}.span",
            "What time do they cover?",
            f"Complete for {row['covers']}." if row.get("covers") else "Not said by the contract.",
        ),
        Item(
            f"sheet.{name}.rows",
            "How many rows came, and how many were refused?",
            f"{rows_in} came; {rejected} broke a rule of the contract and were not used.",
        ),
        Item(
            f"sheet.{name}.used",
            "What does the model read of them?",
            f"{len(features)} features: {used}{more}." if features
            else "Nothing by itself: they say who is in scope, where they live, or what happened.",
        ),
        Item(
            f"sheet.{name}.faults",
            "What was noticed about them?",
            " ".join(notices) or "Nothing beyond the rows refused.",
        ),
    )  # fmt: skip
    return Group(str(row.get("title") or name), items)


def _count(n: int | None, policy: str) -> str:
    return mark(policy) if n is None else f"{n:,}"


def legal_basis(facts: Facts) -> Page:
    """Table by purpose by recipient, the articles and gateways, and where data go."""
    data = facts.data
    tables = [shown(each) for each in (data.agreements, data.sharing, data.recipients) if each]
    drawn: tuple[Drawing, ...] = ()
    if data.data_flow and data.data_flow.rows:
        flow = data_flow_chart(records(data.data_flow), name="pack-flow")
        reading = (
            f"Data of {len(facts.agencies)} agencies come together in one store, and leave it only "
            "for the recipients named."
        )
        drawn = (Drawing(flow, reading, shown(data.data_flow)),)
    items = (
        Item("basis.purpose", "For what purpose, and under which agreements?",
             facts.asked("On what legal basis")),
        Item("basis.back", "Who can get back to a person?", " ".join(data.reidentification)),
        Item("basis.notices", "How are people told, and how may they object?", who=IG),
        Item("basis.section_251", "Does support under section 251 cover this use, and until when?",
             who=IG),
    )  # fmt: skip
    return Page(
        "legal-basis",
        "Legal basis",
        "What each source may be used for, by whom, under which article, gateway and agreement.",
        (Group("In short", items), Group("Where data go", drawings=drawn),
         Group("The matrix", tables=tuple(tables))),
    )  # fmt: skip


def opt_outs_and_linkage(facts: Facts) -> Page:
    """Whose objection was applied, and how far records could be linked, by group."""
    section = linkage(facts.data)
    bound = f"{objections(facts.data)} Of requests for a name, too. Only counts are kept."
    return Page(
        "opt-outs-and-linkage",
        "Opt-outs and linkage",
        "Whose objection was honoured, and whose records could not be put together.",
        (
            Group("Opt-outs", (Item("opt_outs.applied", "Are objections honoured?", bound),),
                  tables=tuple(shown(each) for each in (_removed(facts),) if each.rows)),
            Group("Linkage", (Item("linkage.cost", "What may linkage have cost?",
                                   facts.asked("What could errors of linkage")),),
                  drawings=section.drawings, tables=(*section.tables, *section.after)),
        ),
    )  # fmt: skip


def _removed(facts: Facts) -> PlainTable:
    """The cohort's own steps that speak of objections, date by date, as the protected flow has
    them; its total over all dates counts people more than once."""
    steps = records(facts.data.flow)
    rows = [
        {"as_of": row["as_of"], "people": _count(row["n"], facts.data.policy)}
        for row in steps
        if "opt" in str(row["step"]).lower() and row["as_of"]
    ]  # fmt: skip
    title = "Left in the cohort after objections on the day itself"
    return PlainTable.of(title, ("as_of", "people"), rows)
