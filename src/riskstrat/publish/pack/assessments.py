"""The annexes for the data protection and the equality impact assessment."""

from __future__ import annotations

import re

from riskstrat.publish.evidence import fairness
from riskstrat.publish.pack.facts import Facts
from riskstrat.publish.pack.parts import DPO, EQUALITY, IG, OWNER, TEAM, Group, Item, Page
from riskstrat.publish.study_tables import REIDENTIFICATION
from riskstrat.vocabulary import in_words

PROTECTED = {
    "age": r"age|ages|age band",
    "disability": r"disability|disabilities|disabled",
    "gender reassignment": r"gender reassignment|gender identity|transgender",
    "marriage and civil partnership": r"marriage|married|marital|civil partnership",
    "pregnancy and maternity": r"pregnancy|pregnant|maternity",
    "race": r"race|ethnicity|ethnic|nationality",
    "religion or belief": r"religion|religious|belief|faith",
    "sex": r"sex|gender(?! (?:reassignment|identity))",
    "sexual orientation": r"sexual orientation|sexuality",
}
"""Equality Act 2010, section 4 -> whole words by which a group of a study is about it"""


def dpia(facts: Facts) -> Page:
    """What a data protection impact assessment asks, with what the run can say to it."""
    data = facts.data
    sources = facts.sources
    describe = (
        Item(
            "dpia.nature",
            "What is done with the data?",
            "Extracts of the agencies are checked against contracts and sharing agreements, turned "
            "into features as they were known on each day, and used to learn and to apply a score. "
            f"{_linked(facts)} Lists leave only under the policy and for the recipients on the "
            "page of the legal basis.",
        ),
        Item("dpia.scope", "What data, of whom, how many, how far back?",
             f"{sources} {facts.asked('How many')}"),
        Item("dpia.context", "What do people expect, and what is their relation to the agencies?",
             who=OWNER),
        Item("dpia.purpose", "What is it for?",
             f"{data.question} Purpose under the agreements: {in_words(data.purpose)}."),
    )  # fmt: skip
    need = (
        Item("dpia.basis", "On what legal basis?", facts.asked("On what legal basis"), who=DPO),
        Item("dpia.least", "Is it the least data that will do?", facts.asked("Is it the least")),
        Item("dpia.alternative", "Why is a score needed; what else was considered?",
             facts.asked("What does our capacity"), who=OWNER),
        Item("dpia.quality", "How is it kept accurate and up to date?",
             f"{facts.measured} {facts.listed} Lists end on the day in their manifest."),
        Item("dpia.rights", "How are people told, and how can they object, see and correct?",
             facts.asked("Are objections honoured"), who=IG),
        Item("dpia.consultation", "Who was consulted, residents among them, and what did they say?",
             who=OWNER),
    )  # fmt: skip
    return Page(
        "dpia",
        "Annex to the data protection impact assessment",
        "The run's part of the assessment; the controller's own words are asked for where only "
        "they can answer.",
        (
            Group("Describe the processing", describe),
            Group("Necessity and proportionality", need),
            Group("Risks and what is done about them", _risks(facts)),
            Group("Outcome", _outcome()),
        ),
        source="after the ICO's template; UK GDPR Article 35",
    )


def _risks(facts: Facts) -> tuple[Item, ...]:
    data = facts.data
    return (
        Item("dpia.risk.identity", "Somebody is recognised",
             f"{_pseudonyms(facts)} Counts are suppressed and rounded under policy "
             f"`{data.policy}`. `riskstrat intruder` attacks what there is; whether it was done "
             "here, on which lists, and what it found, a run does not see.", who=IG),
        Item("dpia.risk.wrong", "The score is wrong about somebody",
             f"{facts.measured} {facts.asked('Who is missed')} A professional decides; the reasons "
             "are shown with the score."),
        Item("dpia.risk.unfair", "A group is served worse", facts.asked("Is it fair")),
        Item("dpia.risk.links", "Records of different people are put together, or are missed",
             facts.asked("What could errors of linkage")),
        Item("dpia.risk.future", "Something not known on the day is used",
             " ".join(data.known_when)),
        Item("dpia.risk.reuse", "Data or lists are used for something else",
             "A study names one purpose, and stops with exit code 11 where an agreement does not "
             "grant it. Lists name purpose, recipient and last day of use."),
        Item("dpia.risk.other", "What other risks are there here, and how are they met?", who=IG),
    )  # fmt: skip


def _linked(facts: Facts) -> str:
    """Who linked the extracts, as far as the run knows."""
    if facts.data.links_said:
        return "Records were linked by keepers who never hold identifiers and content together."
    return "Extracts came linked already: the run does not know by whom, or who holds what."


def _pseudonyms(facts: Facts) -> str:
    """What keeps a record from being a name, as far as the run knows."""
    data = facts.data
    told = [each for each in data.reidentification if data.links_said or each != REIDENTIFICATION]
    if data.links_said:
        told.insert(0, "Pseudonyms under a key that the analysts do not hold.")
    else:
        told.insert(0, "Ids came with the extracts: the run does not know who can undo them.")
    handed = facts.told.get("release", {}).get("recipients") or ()
    if any(each["rows"] == "pseudonymised" for each in handed):
        told.append("Rows of a pseudonymised list look alike.")
    return " ".join(told)


def _outcome() -> tuple[Item, ...]:
    return (
        Item("dpia.residual", "Which risks remain, and who accepts them?", who=IG),
        Item("dpia.advice", "What did the data protection officer advise, and was it followed?",
             who=DPO),
        Item("dpia.medical_device", "Is it a medical device, and who decided so?",
             "The program is decision support for planning and offering help. It is not made or "
             "tested as a medical device; who deploys it assesses their use.", who=OWNER),
    )  # fmt: skip


def equality(facts: Facts) -> Page:
    """What due regard under the public sector equality duty asks, with the run's evidence."""
    section = fairness(facts.data)
    held = facts.groups
    by_hand = (
        Item("equality.engagement", "Who speaks for the groups, and what did they say?",
             who=EQUALITY),
        Item("equality.not_held", "What is known, from elsewhere, of the characteristics not held?",
             who=EQUALITY),
        Item("equality.under_recorded", "Whose need is recorded less than it exists?",
             "An outcome is what services recorded. Where a group comes forward less, its need "
             "looks smaller, and the score learns that.", who=TEAM),
        Item("equality.choice", "Which inequality was accepted, why, and what was tried instead?",
             "`riskstrat mitigate` compares what can be done and what each way costs.", who=IG),
        Item("equality.action", "What is done for groups that the list reaches less?", who=OWNER),
    )  # fmt: skip
    return Page(
        "equality",
        "Annex to the equality impact assessment",
        "Who is reached, who is missed, and what is not known, by protected characteristic.",
        (
            Group("Protected characteristics",
                  tuple(_characteristic(name, held) for name in PROTECTED)),
            Group("In short", (Item("equality.fair", "Is it fair between groups?",
                                    facts.asked("Is it fair")),)),
            Group("Results by group", drawings=section.drawings,
                  tables=(*section.tables, *section.after)),
            Group("For people to answer", by_hand),
        ),
        source="Equality Act 2010, sections 4 and 149",
    )  # fmt: skip


def _characteristic(name: str, held: tuple[str, ...]) -> Item:
    words = rf"\b(?:{PROTECTED[name]})\b"
    found = [group for group in held if re.search(words, group, re.IGNORECASE)]
    told = f"Held, and compared as {', '.join(found)}." if found else "Not held, so not examined."
    return Item(f"equality.{name.replace(' ', '_')}", name.capitalize(), told)
