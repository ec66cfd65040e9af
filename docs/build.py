"""Write the reference pages from the code: `python docs/build.py`, or `--check` that they fit.

study-language.md, codes.md, commands.md, glossary.md and schemas/*.json are made here and never
by hand; a test holds them to the code.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import yaml
from keys import AGGREGATES, FUNCTIONS, KEYS
from pydantic import TypeAdapter
from pydantic.fields import FieldInfo

from riskstrat.audit.spec import AuditSpec, Gate, NeedMarker
from riskstrat.codes import CODES
from riskstrat.cohort.spec import CohortSpec, EventDates, ListedDates, OutcomeSpec, RegularDates
from riskstrat.contracts.agreements.spec import (
    Grant,
    LegalBasis,
    OptOutRule,
    RecipientGrant,
    SharingAgreement,
    SubLicence,
)
from riskstrat.contracts.packs import PackManifest, PackUse
from riskstrat.contracts.spec import Column, Coverage, FileFormat, Lag, Source
from riskstrat.expressions.terms import FUNCTIONS as EXPRESSION_FUNCTIONS
from riskstrat.features.spec import AggregateName, Block, FeaturesSpec, SplitBy
from riskstrat.monitoring.spec import MonitorSpec
from riskstrat.publish.glossary import GLOSSARY
from riskstrat.release.policies import POLICIES
from riskstrat.release.spec import Recipient, ReleaseSpec
from riskstrat.robustness.spec import StressSpec
from riskstrat.signoff.spec import SignoffSpec
from riskstrat.spec import Spec
from riskstrat.study import schema
from riskstrat.study.demands import CAPACITY_METRICS, GROUP_RATES, GROUP_SCORES, OVERALL_METRICS
from riskstrat.study.spec import StudySpec
from riskstrat.training.spec import (
    LIGHTGBM_RANGES,
    ExistingScore,
    GroupedKFold,
    KeptNegatives,
    RollingOrigin,
    TrainingSpec,
    Tune,
)

HERE = Path(__file__).resolve().parent
MADE = "<!-- made by docs/build.py; `make docs` writes it again -->\n\n"

OPENING = """# The study language

A study file asks one question on one page; sources and agreements say what the data are and what
they may be used for. All are YAML without tags or anchors. An unknown key is refused with the
nearest spelling, and any value can be overridden on the command line:
`--set training.tune.trials=40`. To learn by doing, see
[bring your own data](bring-your-own-data.md). *Needed* marks keys without a default."""

Part = tuple[str, type[Spec]]
STUDY: tuple[Part, ...] = (
    ("The study", StudySpec),
    ("`packs`, for each pack", PackUse),
    ("`cohort`", CohortSpec),
    ("`cohort.as_of`, regular dates", RegularDates),
    ("`cohort.as_of`, listed dates", ListedDates),
    ("`cohort.as_of`, each unit's own dates", EventDates),
    ("`outcome`", OutcomeSpec),
    ("`features`", FeaturesSpec),
    ("`features.blocks`", Block),
    ("`features.blocks`, `by` in full", SplitBy),
    ("`training`", TrainingSpec),
    ("`training.folds`, by time", RollingOrigin),
    ("`training.folds`, by groups", GroupedKFold),
    ("`training.tune`", Tune),
    ("`training.sample`", KeptNegatives),
    ("`training.learners`, `existing_score`", ExistingScore),
    ("`audit`", AuditSpec),
    ("`audit.need`", NeedMarker),
    ("`release`", ReleaseSpec),
    ("`release.recipients`", Recipient),
    ("`signoff`", SignoffSpec),
    ("`monitor`", MonitorSpec),
    ("`stress`", StressSpec),
)
SOURCES: tuple[Part, ...] = (
    ("A source", Source),
    ("`columns`", Column),
    ("`known_on`, as a lag", Lag),
    ("`coverage`", Coverage),
    ("`format`", FileFormat),
    ("A pack of sources: `pack.yaml`", PackManifest),
)
AGREEMENTS: tuple[Part, ...] = (
    ("An agreement", SharingAgreement),
    ("`legal_basis`, for each source", LegalBasis),
    ("`sources`, for each source", Grant),
    ("`recipients`, for each recipient", RecipientGrant),
    ("`sub_licences`, each", SubLicence),
    ("`opt_outs`, for each kind", OptOutRule),
)


def pages() -> dict[str, str]:
    """Path under docs/ -> text, of everything that is made."""
    made = {
        "study-language.md": study_language(),
        "codes.md": codes(),
        "commands.md": commands(),
        "glossary.md": glossary(),
    }
    for name, body in schema().items():
        made[f"schemas/{name}.schema.json"] = json.dumps(body, indent=2, sort_keys=True) + "\n"
    return made


def study_language() -> str:
    """Every key of a study, a source and an agreement; expressions, gates and policies."""
    unknown = KEYS.keys() - {model.__name__ for _, model in (*STUDY, *SOURCES, *AGREEMENTS)}
    if unknown:
        raise SystemExit(f"docs/keys.py: no spec {', '.join(sorted(unknown))}")
    parts = [
        OPENING,
        "# A study file",
        *(keys_of(*part) for part in STUDY),
        aggregates(),
        gates(),
        parameters(),
        "# A source: `sources/<name>.yaml`",
        *(keys_of(*part) for part in SOURCES),
        "# An agreement: `agreements/<name>.yaml`",
        *(keys_of(*part) for part in AGREEMENTS),
        policies(),
        expressions(),
    ]
    return MADE + "\n\n".join(parts) + "\n"


def keys_of(title: str, model: type[Spec]) -> str:
    """A table of one spec's keys."""
    told = KEYS.get(model.__name__, {})
    names = {field.alias or name: field for name, field in model.model_fields.items()}
    if told.keys() != names.keys():
        differ = ", ".join(sorted(told.keys() ^ names.keys()))
        raise SystemExit(f"docs/keys.py: {model.__name__} and its spec differ in {differ}")
    rows = []
    for name, field in names.items():
        example, meaning = told[name]
        holds(model, name, field, example)
        meaning = meaning or " ".join((field.description or "").split())
        if not meaning:
            raise SystemExit(f"docs/keys.py: {model.__name__}.{name} has no meaning")
        rows.append((f"`{name}`", f"{meaning}{choices(field)}", default(field), f"`{example}`"))
    doc = " ".join((model.__doc__ or "").split())
    return f"## {title}\n\n{doc}\n\n" + table(("key", "meaning", "default", "example"), rows)


def holds(model: type[Spec], name: str, field: FieldInfo, example: str) -> None:
    """Refuse an example that the spec would refuse."""
    value = yaml.safe_load(example)
    wanted: Any = Annotated[field.annotation, *field.metadata] if field.metadata else None
    try:
        TypeAdapter(wanted or field.annotation).validate_python(value)
    except ValueError as fault:
        raise SystemExit(f"docs/keys.py: {model.__name__}.{name}: {fault}") from None


def choices(field: FieldInfo) -> str:
    """The values a key may have, where they are few."""
    found = [str(one) for one in literals(field.annotation)]
    return f": {', '.join(f'`{one}`' for one in found)}" if len(found) > 1 else ""


def literals(kind: Any) -> Iterable[object]:
    """The literals within a type, but not those of mappings or specs."""
    origin = get_origin(kind)
    if origin is Literal:
        yield from get_args(kind)
    elif origin in (Annotated, Union, UnionType, tuple, dict):
        for part in get_args(kind):
            yield from literals(part)
    elif isinstance(kind, type) and hasattr(kind, "__members__"):
        yield from (member.value for member in kind)


def default(field: FieldInfo) -> str:
    """A key's default as a file would write it."""
    if field.is_required():
        return "needed"
    value = field.get_default(call_default_factory=True)
    if value is None or value in ("", (), {}, frozenset()):
        return ""
    if isinstance(value, Spec):
        return "see below"
    if isinstance(value, tuple | frozenset):
        value = sorted(value) if isinstance(value, frozenset) else value
        return f"`[{', '.join(map(str, value))}]`"
    if isinstance(value, dict):
        return f"`{{{', '.join(f'{key}: {one}' for key, one in value.items())}}}`"
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def aggregates() -> str:
    """What a block may measure."""
    rows = [(f"`{name}`", AGGREGATES[name]) for name in get_args(AggregateName)]
    return (
        "## Aggregates\n\nEach is taken over each window of days before the as-of date, of rows "
        "that happened and were known before it. `sum`, `mean`, `min`, `max` and `distinct` name "
        "a column: `sum(cost)`. Where the source's coverage does not reach over the window the "
        "cell is empty, never zero, and the feature `<block>__known` says so.\n\n"
        + table(("aggregate", "measures"), rows)
    )


def gates() -> str:
    """What a gate may say."""
    listed = {
        "overall": OVERALL_METRICS,
        "at a capacity (`at=`)": CAPACITY_METRICS,
        "by group, at a capacity": GROUP_RATES,
        "by group": GROUP_SCORES,
    }
    rows = [
        (kind, ", ".join(f"`{name}`" for name in sorted(names))) for kind, names in listed.items()
    ]
    doc = " ".join((Gate.__doc__ or "").split())
    return (
        f"## Gates\n\n{doc} `.low` and `.high` are the limits of the 95% interval; by group, "
        "`_ratio` and `_difference` compare each level with the reference. Not enough evidence "
        "does not pass.\n\n" + table(("metrics", "names"), rows)
    )


def parameters() -> str:
    """What may be fixed of a learner."""
    rows = [(f"`{name}`", f"{low:g} to {high:g}") for name, (low, high) in LIGHTGBM_RANGES.items()]
    rows += [("`C` (logistic_regression)", "1e-8 to 1e8")]
    rows += [("`penalty` (logistic_regression)", "`l1` or `l2`")]
    return "## `training.parameters`\n\n" + table(("lightgbm", "range"), rows)


def policies() -> str:
    """The disclosure policies by name."""
    rows = [(f"`{one.name}`", one.sentence, one.source) for one in POLICIES.values()]
    return (
        "## Disclosure policies\n\nWhere sources under several policies meet, every rule of each "
        "applies.\n\n" + table(("policy", "rule", "from"), rows)
    )


def expressions() -> str:
    """The language of conditions."""
    if FUNCTIONS.keys() != EXPRESSION_FUNCTIONS.keys():
        differ = ", ".join(sorted(FUNCTIONS.keys() ^ EXPRESSION_FUNCTIONS.keys()))
        raise SystemExit(f"docs/keys.py: FUNCTIONS and the code differ in {differ}")
    rows = [
        (f"`{one.example}`", FUNCTIONS[name], one.gives.value if one.gives else "as its argument")
        for name, one in EXPRESSION_FUNCTIONS.items()
    ]
    rows += [
        ("`coalesce(a, b, ...)`", "the first that is not empty", "as its arguments"),
        (
            "`least(a, b, ...)`, `greatest(a, b, ...)`",
            "the least, the greatest",
            "as its arguments",
        ),
        ("`to_date(text, '%d/%m/%Y')`", "a date from a text; empty where there is none", "date"),
        ("`case when a > 1 then 'x' else 'y' end`", "the first that holds", "as its values"),
        ("`code in codelist('name')`", "whether a code is on a list", "boolean"),
        ("`code in codelist('name', 'group')`", "... or in one group of it", "boolean"),
    ]
    return (
        "# Expressions\n\n`who`, `where` and `from` hold small SQL expressions. They are read, "
        "checked against the columns' types and codes, and written again as SQL; a fault is shown "
        "at its place. There are `and`, `or`, `not`, `=`, `<>`, `<`, `<=`, `>`, `>=`, `in (...)`, "
        "`between ... and ...`, `is null`, `is not null`, `+`, `-`, `*`, `/`, `%`; texts in single "
        "quotes, dates as `'2024-04-01'` or `date '2024-04-01'`. What cannot be worked out for a "
        "row is empty, and empty is not true. `who` may also use `as_of`, `age`, `age_band`, and "
        "the name of a population (`registered`).\n\n" + table(("write", "means", "gives"), rows)
    )


def codes() -> str:
    """Every code of a finding or an error."""
    parts = [
        f"## {one.code} {one.title}\n\n{one.meaning}"
        + (f"\n\n*How it is found.* {one.how}" if one.how else "")
        + (f"\n\n*What to do.* {one.fix}" if one.fix else "")
        for one in sorted(CODES.values())
    ]
    head = "# Codes\n\nWhat `riskstrat explain CODE` says, for each finding and error."
    return MADE + "\n\n".join([head, *parts]) + "\n"


def commands() -> str:
    """Every command with its options, from the command line itself."""
    import typer

    from riskstrat.cli.app import app

    group: Any = typer.main.get_command(app)
    parts = ["# Commands"]
    for words, command in leaves(group, "riskstrat"):
        shown: list[tuple[str, str]] = []
        usage = [words]
        for parameter in command.params:
            if parameter.param_type_name == "argument":
                usage.append(option(parameter).strip("`"))
            shown.append((option(parameter), " ".join((parameter.help or "").split())))
        text = " ".join((command.help or "").split())
        parts.append(
            f"## `{' '.join(usage)}`\n\n{text}\n\n" + table(("argument or option", ""), shown)
        )
    return MADE + "\n\n".join(parts) + "\n"


def leaves(group: Any, words: str) -> Iterator[tuple[str, Any]]:
    """Every command, those of groups too, with the words that call it."""
    context = group.make_context(words, [], resilient_parsing=True)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if not hasattr(command, "list_commands"):
            yield f"{words} {name}", command
            continue
        if command.invoke_without_command:
            yield f"{words} {name}", command
        yield from leaves(command, f"{words} {name}")


def option(parameter: Any) -> str:
    """An argument or option as it is written."""
    if parameter.param_type_name == "argument":
        return f"`{parameter.metavar or parameter.name.upper()}`"
    given = parameter.default
    tail = "" if given in (None, False, ()) or callable(given) else f" (default `{given}`)"
    return f"`{', '.join(parameter.opts)}`{tail}"


def glossary() -> str:
    """The words of the reports."""
    parts = [f"**{word}.** {meaning}" for word, meaning in GLOSSARY]
    head = "# Glossary\n\nThe words of reports and lists; every report ends with them too."
    return MADE + "\n\n".join([head, *parts]) + "\n"


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(
        "| " + " | ".join(c.replace("|", "\\|") for c in line) + " |" for line in lines
    )


def main() -> int:
    """Write the pages, or say which differ."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing; 1 if a page differs")
    check = parser.parse_args().check
    made = pages()
    stale = []
    for name, text in made.items():
        path = HERE / name
        if path.exists() and path.read_text(encoding="utf-8") == text:
            continue
        stale.append(name)
        if not check:
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")
    if check and stale:
        sys.stderr.write(f"docs do not fit the code: {', '.join(stale)}; run `make docs`\n")
        return 1
    sys.stdout.write(f"{len(made)} pages, {len(stale)} written\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
