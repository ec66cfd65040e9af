"""The model card as a page of the pack."""

from __future__ import annotations

from riskstrat.publish import evidence
from riskstrat.publish.pack.facts import Facts
from riskstrat.publish.pack.parts import OWNER, TEAM, Group, Item, Page
from riskstrat.publish.tables import shown
from riskstrat.publish.wording import day
from riskstrat.vocabulary import in_words


def model_card(facts: Facts) -> Page:
    """What the model is for, how well it does, for whom, and its limits."""
    data = facts.data
    decided = "; ".join(
        f"{day(each.get('on', ''))}: {each.get('decision', '')} by {each.get('by', '')}"
        for each in data.approvals
    )
    use = (
        Item("card.use", "Intended use",
             f"{data.question} Purpose: {in_words(data.purpose)}. It ranks {data.units} so that "
             "a professional can offer help to those who may need it most; they decide."),
        Item("card.not", "Not for",
             "Refusing, rationing or withdrawing a service; any decision without a person in it; "
             "another place, population, outcome or horizon; telling why something happens."),
        Item("card.users", "Who uses it, and what do they know of its limits?", who=OWNER),
        Item("card.model", "Model",
             f"{data.model} version {data.version}, run {data.run_id}. {facts.learners} "
             f"{facts.dates}"),
        Item("card.data", "Data", facts.sources),
        Item("card.verdict", "Verdict of the gates", f"{facts.verdict}. {facts.gates}"),
        Item("card.decisions", "Decisions", decided or "None is recorded."),
    )  # fmt: skip
    limits = (
        Item("card.limits", "Known limits",
             " ".join((*data.limits, *data.notes)) or "None beyond those in the report."),
        Item("card.linkage", "Linkage", facts.asked("What could errors of linkage")),
        Item("card.caveats", "What else should a reader know?", who=TEAM),
    )  # fmt: skip
    sections = (evidence.performance(data), evidence.calibration(data), evidence.capacity(data))
    return Page(
        "model-card",
        "Model card",
        "What the model is for, how well it does, for whom, and where its limits are.",
        (
            Group("Use", use),
            *(
                Group(each.title, drawings=each.drawings, tables=each.tables, lead=each.lead)
                for each in sections
            ),
            Group("By group", (Item("card.groups", "Is it fair between groups?",
                                    facts.asked("Is it fair")),)),
            Group("Limits", limits),
            Group("Gates", tables=(shown(data.gates),) if data.gates else ()),
        ),
        source="after Mitchell et al., Model Cards for Model Reporting, 10.1145/3287560.3287596",
    )  # fmt: skip
