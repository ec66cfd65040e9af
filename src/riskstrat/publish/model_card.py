"""A model card in Markdown: what a model is for, how well it does, for whom, and its limits."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from riskstrat.publish.tables import records, same_share
from riskstrat.publish.wording import estimate, learner, metric
from riskstrat.vocabulary import Protected

OVERALL = ("auroc", "average_precision", "brier", "calibration_slope")
LISTED = ("ppv", "sensitivity", "lift")
FILES = {
    "model/": "the model: JSON and, for LightGBM, the booster's own text; no pickle",
    "features.json": "every feature: name, meaning, source, window, share missing",
    "study.yaml": "the whole question, with every default written out",
    "MODEL_CARD.md": "this card",
    "SHA256SUMS": "the checksum of each file: `sha256sum -c SHA256SUMS`",
}


@dataclass(frozen=True, slots=True)
class CardFacts:
    """What a card is made from; counts of people come `Protected`.

    Attributes:
        name, version, status: of the registered model; status in words.
        learner: the winner's name in the tables.
        question, purpose: what it predicts, and what its data may be used for.
        dates: (label, value) of the dates it learnt from and was tested on.
        capacity: the share of people at which groups are compared.
        approvals: one sentence for each decision.
        provenance: what it was made from and with.
    """

    name: str
    version: int
    title: str
    status: str
    learner: str
    question: str
    purpose: str
    made_up: bool
    capacity: float
    performance: Protected
    at_capacity: Protected
    fairness: Protected
    gates: Protected
    sources: Protected
    folds: Protected
    limits: Sequence[str]
    approvals: Sequence[str]
    provenance: Mapping[str, object]


def model_card(facts: CardFacts) -> str:
    """The card as Markdown; equal facts give equal text."""
    parts = [
        f"# {facts.title}: {facts.name} version {facts.version}",
        _opening(facts),
        "## Intended use\n\n"
        f"{facts.question}\n\nPurpose granted by the sharing agreements: "
        f"{facts.purpose.replace('_', ' ')}. It ranks people so that a professional can offer help "
        "to those who may need it most; the professional decides.",
        "## Not for\n\n"
        "- refusing, rationing or withdrawing a service, or any decision without a person in it\n"
        "- another place, population, outcome, horizon or purpose than those of the study\n"
        "- telling why something happens: what raises a score need not cause the outcome",
        "## Data\n\n" + _data(facts),
        "## Performance on held-out dates or people\n\n" + _performance(facts),
        "## By group\n\n" + _groups(facts),
        "## Gates\n\n" + _gates(facts),
        "## Limits\n\n" + _bullets(facts.limits),
        "## Decisions\n\n"
        + (_bullets(facts.approvals) or "None is recorded: nobody has approved this version."),
        "## Provenance\n\n" + _table(("", ""), facts.provenance.items()),
        "## Files\n\n" + _table(("file", "holds"), ((f"`{k}`", v) for k, v in FILES.items())),
        "The model's files are those that were registered, byte for byte. They hold exact totals "
        "and, for LightGBM, how many training rows fell into each leaf: treat the folder as an "
        "output of the environment the data live in, and check it before it leaves.",
    ]
    return "\n\n".join(parts) + "\n"


def _opening(facts: CardFacts) -> str:
    warning = "**The data are made up.** No figure here says anything about real people.\n\n"
    return (
        (warning if facts.made_up else "")
        + f"Learner: {learner(facts.learner)}. Status: {facts.status}. "
        + "Counts of people are protected under disclosure policy "
        + f"`{facts.performance.policy}`; intervals are 95%."
    )


def _data(facts: CardFacts) -> str:
    rows = [
        (row["title"], row["agency"], row["covers"], _count(row["accepted"]))
        for row in records(facts.sources)
    ]
    folds = [
        (row["fold"], row["role"], row["as_of_from"], row["as_of"], _count(row["n"]))
        for row in records(facts.folds)
    ]
    held = ("source", "agency", "complete for", "rows")
    taught = ("fold", "role", "from", "to", "people and dates")
    return _table(held, rows) + "\n\n" + _table(taught, folds)


def _performance(facts: CardFacts) -> str:
    found = records(facts.performance, split="test")
    names = sorted({row["learner"] for row in found}, key=lambda one: (one != facts.learner, one))
    overall = []
    for name in names:
        own = {row["metric"]: row for row in found if row["learner"] == name}
        shown = [estimate(own[each]) if each in own else "" for each in OVERALL]
        overall.append((learner(name), *shown))
    at = records(facts.at_capacity, split="test", learner=facts.learner)
    cuts = []
    for share in sorted({row["share"] for row in at}):
        own = {row["metric"]: row for row in at if row["share"] == share}
        cuts.append((f"{share:.1%}", *(estimate(own[each]) for each in LISTED if each in own)))
    return (
        _table(("learner", *map(metric, OVERALL)), overall)
        + "\n\nWhat a list of each length finds:\n\n"
        + _table(("share listed", *map(metric, LISTED)), cuts)
    )


def _groups(facts: CardFacts) -> str:
    rows = [
        (row["group"].replace("_", " "), row["level"], _count(row["people"]), estimate(row))
        for row in records(facts.fairness, metric="sensitivity")
        if same_share(row["at"], facts.capacity)
    ]
    if not rows:
        return "The study compares no groups."
    header = ("group", "level", "people", f"outcomes reached in the top {facts.capacity:.1%}")
    return _table(header, rows)


def _gates(facts: CardFacts) -> str:
    rows = [
        (f"`{row['text']}`", estimate(row), str(row["verdict"]).replace("_", " "))
        for row in records(facts.gates)
    ]
    return _table(("gate", "measured", "verdict"), rows) if rows else "The study sets no gates."


def _count(value: object) -> str:
    return f"{value:,}" if isinstance(value, int) else "withheld"


def _bullets(sentences: Iterable[str]) -> str:
    return "\n".join(f"- {_plain(sentence)}" for sentence in sentences)


def _table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    lines = [_line(header), "|" + " --- |" * len(header)]
    return "\n".join([*lines, *(_line(row) for row in rows)])


def _line(cells: Sequence[object]) -> str:
    return "| " + " | ".join(_plain(cell).replace("|", "\\|") for cell in cells) + " |"


def _plain(value: object) -> str:
    """Text on one line, in which nothing is read as markup of a page."""
    return " ".join(str(value).split()).replace("<", "&lt;")
