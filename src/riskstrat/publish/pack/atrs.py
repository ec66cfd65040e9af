"""The record of the Algorithmic Transparency Recording Standard, as a page and as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from riskstrat.publish.pack.answers import Answers
from riskstrat.publish.pack.facts import Facts
from riskstrat.publish.pack.parts import DPO, IG, OWNER, Group, Item, Page
from riskstrat.vocabulary import in_words

STANDARD = "Algorithmic Transparency Recording Standard, version 3.0"


def atrs(facts: Facts) -> Page:
    """Tier 1 for everybody, and the five sections of tier 2."""
    return Page(
        "atrs",
        "Algorithmic transparency record",
        "What is published about the tool: a short description for everybody, then details.",
        (
            Group("Tier 1: overview", _overview(facts)),
            Group("Tier 2, section 1: owner and responsibility", _owner()),
            Group("Tier 2, section 2: description and rationale", _description(facts)),
            Group("Tier 2, section 3: decision-making process", _process(facts)),
            Group("Tier 2, section 4: tool specification", _tool(facts)),
            Group("Tier 2, section 5: risks, mitigations and impact assessments", _risks(facts)),
        ),
        source=f"{STANDARD}; questions in our words",
    )


def _overview(facts: Facts) -> tuple[Item, ...]:
    data = facts.data
    return (
        Item("atrs.name", "Name", data.title),
        Item("atrs.description", "What it does and why, in plain words",
             f"{data.question} It ranks {data.units} by how likely that is, so that a professional "
             "can offer help early; it takes no decision.", who=OWNER),
        Item("atrs.website", "Where can more be read?", who=OWNER),
        Item("atrs.contact", "Whom can one write to?", who=OWNER),
    )  # fmt: skip


def _owner() -> tuple[Item, ...]:
    return (
        Item("atrs.organisation", "Organisation and team", who=OWNER),
        Item("atrs.senior_responsible_owner", "Senior responsible owner", who=OWNER),
        Item("atrs.suppliers", "Outside suppliers, their role and their access to data",
             "The program is riskstrat, which is open source and runs where the data are.",
             who=OWNER),
    )  # fmt: skip


def _description(facts: Facts) -> tuple[Item, ...]:
    data = facts.data
    return (
        Item("atrs.detail", "How does it work?",
             f"{facts.learners} {facts.sources} {' '.join(data.known_when)}"),
        Item("atrs.scope", "What is it for, and what is it not for?",
             f"For: {in_words(data.purpose)}. Not for refusing, rationing or withdrawing a "
             "service, nor for another place, population or outcome than the study's."),
        Item("atrs.benefit", "What good is it expected to do?",
             facts.asked("What does our capacity"), who=OWNER),
        Item("dpia.alternative", "How was it done before; what else was considered?", who=OWNER),
    )  # fmt: skip


def _process(facts: Facts) -> tuple[Item, ...]:
    who = " ".join(facts.data.reidentification)
    return (
        Item("atrs.integration", "Where in the work does it come in?", who=OWNER),
        Item("atrs.information", "What does it tell, and whom?",
             "A list in bands, with the risk, the reasons in words and the day the data tell of. "
             f"{who}"),
        Item("atrs.frequency", "How often is it used, for how many people?",
             facts.asked("How many")),
        Item("atrs.human", "Who decides, and what do they look at besides?",
             "Nobody is given or refused anything because of a score.", who=OWNER),
        Item("atrs.training", "How are they trained for it?", who=OWNER),
        Item("dpia.rights", "How can somebody object, appeal or ask for a review?", who=IG),
    )  # fmt: skip


def _tool(facts: Facts) -> tuple[Item, ...]:
    data = facts.data
    digest = str(data.provenance.get("training digest", ""))[:16]
    return (
        Item("atrs.model", "Model, version and how it was made",
             f"{data.model} version {data.version}, run {data.run_id}; {facts.learners} "
             f"{facts.dates} Digest of training: {digest}."),
        Item("atrs.performance", "How well does it do?", f"{facts.measured} {facts.listed}"),
        Item("atrs.data", "Which data, whose, with what in them that is sensitive?",
             facts.sources),
        Item("atrs.preparation", "How are data prepared, and how complete are they?",
             "Each extract is checked against its contract; the data sheets say what was refused "
             f"and what is missing. {facts.asked('What could errors of linkage')}"),
        Item("atrs.access", "Who has access to the data, how are they kept, for how long?",
             facts.asked("On what legal basis"), who=DPO),
        Item("atrs.architecture", "Where does it run, and what does it depend on?",
             "On the data controller's own machines. Software: "
             + ", ".join(f"{name} {each}" for name, each in sorted(facts.software.items()))
             + "."),
    )  # fmt: skip


def _risks(facts: Facts) -> tuple[Item, ...]:
    return (
        Item("atrs.assessments", "Which impact assessments were made, and when?",
             "The annexes of this pack for data protection and equality.", who=IG),
        Item("atrs.risks", "Which risks are there, and what is done about them?",
             f"{facts.asked('Who is missed')} {facts.asked('Is it fair')} The annex for data "
             "protection lists the others."),
    )  # fmt: skip


def record(page: Page, facts: Facts, answers: Answers) -> Mapping[str, Any]:
    """The page as plain data, for a register of such records."""
    return {
        "standard": STANDARD,
        "tool": facts.data.title,
        "model": facts.data.model,
        "version": facts.data.version,
        "made_up_data": facts.data.made_up,
        "sections": [
            {
                "title": group.title,
                "fields": [_field(item, answers) for item in group.items],
            }
            for group in page.groups
        ],
    }


def _field(item: Item, answers: Answers) -> Mapping[str, Any]:
    given = answers.given.get(item.ref)
    return {
        "name": item.ref.removeprefix("atrs."),
        "asked": item.asked,
        "from_the_run": item.told or None,
        "from_people": given.answer if given else None,
        "answered_by": given.by if given else None,
        "answered_on": given.on.isoformat() if given else None,
        "required_of": item.who or None,
    }
