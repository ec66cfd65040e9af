"""What training, audit and release ask for by name, held against what there is."""

from __future__ import annotations

from collections.abc import Collection

from riskstrat.audit.spec import Gate, intersection_name, last_part
from riskstrat.release.cohort_list import OWN_COLUMNS, RELEASE_COLUMNS
from riskstrat.study.composer import Composer
from riskstrat.vocabulary import PRIVACY_METRICS, ColumnType, base_of
from riskstrat.yamlfile import nearest
from riskstrat.yamlfile.faults import KeyPath

OVERALL_METRICS = frozenset(
    {
        "auroc",
        "average_precision",
        "brier",
        "log_loss",
        "calibration_slope",
        "calibration_in_the_large",
        "ece",
        *PRIVACY_METRICS,
    }
)
CAPACITY_METRICS = frozenset(
    {
        "ppv",
        "sensitivity",
        "specificity",
        "lift",
        "number_needed_to_review",
        "net_benefit",
    }
)
GROUP_RATES = frozenset(
    {
        "selection_rate",
        "ppv",
        "sensitivity",
        "specificity",
        "false_positive_rate",
        "false_negative_rate",
    }
)
GROUP_SCORES = frozenset(
    {
        "prevalence",
        "auroc",
        "average_precision",
        "brier",
        "calibration_in_the_large",
        "calibration_slope",
    }
)
AGE_SEX = ("age", "sex")
BASELINE_COLUMNS = {"base_rate": 0, "age_sex": 2, "prior_use": 1}


def check_training(composer: Composer) -> None:
    """Folds, clusters, baselines and published scores."""
    spec = composer.spec.training
    if spec.folds.scheme == "grouped_kfold":
        composer.attribute(spec.folds.by, "training", "folds", "by")
    composer.attribute(spec.cluster, "training", "cluster")
    for i, baseline in enumerate(spec.baselines):
        columns = baseline.columns or (AGE_SEX if baseline.kind == "age_sex" else ())
        wanted = BASELINE_COLUMNS[baseline.kind]
        if baseline.columns and len(columns) != wanted:
            where = composer.at("training", "baselines", i)
            what = f"{where}: `{baseline.kind}` reads {wanted} attributes, found {len(columns)}"
            fix = "write `{age_sex: [age, sex]}`, `{prior_use: [count]}`, or the name alone"
            composer.fault("RS1267", what, fix)
        for column in columns:
            composer.attribute(column, "training", "baselines", i)
    features = {name for block in composer.spec.features.blocks for name in block.attributes}
    for i, learner in enumerate(spec.learners):
        score = learner.existing_score
        if score is not None and score.column.rpartition(".")[2] not in features:
            known = nearest(score.column, sorted(features), "attributes in `features`")
            where = composer.at("training", "learners", i)
            what = f"{where}: `{score.column}` is not an attribute in a features block{known}"
            fix = "list the published score under `attributes` of a features block"
            composer.fault("RS1235", what, fix)


def check_audit(composer: Composer) -> None:
    """Groups, reference levels and gates."""
    spec = composer.spec.audit
    for i, text in enumerate(spec.groups):
        found = composer.attribute(text, "audit", "groups", i)
        if found is not None and not (
            found.is_category or (found.kind == "column" and (found.type is ColumnType.STRING))
        ):
            where = composer.at("audit", "groups", i)
            fix = "use `age_band`" if found.kind == "age" else "name an attribute with codes"
            what = f"{where}: `{text}` ({found.type}) has too many values to form groups"
            composer.fault("RS1236", what, fix)
    for group, level in spec.references.items():
        where = composer.at("audit", "references", group)
        if group not in spec.groups:
            known = nearest(group, spec.groups, "groups")
            composer.fault("RS1236", f"{where}: not one of `audit.groups`{known}")
        elif (
            (found := composer.attributes.get(group))
            and found.levels
            and (level not in found.levels)
        ):
            known = nearest(level, found.levels, "levels")
            composer.fault("RS1236", f"{where}: `{group}` has no level `{level}`{known}")
    for i, names in enumerate(spec.intersections):
        for name in names:
            if name not in spec.groups:
                known = nearest(name, spec.groups, "groups")
                where = composer.at("audit", "intersections", i)
                composer.fault("RS1236", f"{where}: `{name}` is not one of `audit.groups`{known}")
    for i, name in enumerate(spec.need.within if spec.need else ()):
        if name not in spec.groups:
            known = nearest(name, spec.groups, "groups")
            where = composer.at("audit", "need", "within", i)
            composer.fault("RS1236", f"{where}: `{name}` is not one of `audit.groups`{known}")
    for i, name in enumerate(spec.mitigate):
        if name not in {*spec.groups, *map(last_part, spec.groups)}:
            known = nearest(name, spec.groups, "groups")
            where = composer.at("audit", "mitigate", i)
            composer.fault("RS1236", f"{where}: `{name}` is not one of `audit.groups`{known}")
    for i, gate in enumerate(spec.gates):
        _gate(composer, gate, composer.at("audit", "gates", i))


def check_need_marker(composer: Composer, features: Collection[str]) -> None:
    """The sign of need is a feature of the study."""
    need = composer.spec.audit.need
    if need is not None and need.feature not in features:
        where = composer.at("audit", "need", "feature")
        known = nearest(need.feature, sorted(features), "features")
        what = f"{where}: `{need.feature}` is not a feature of this study{known}"
        composer.fault("RS1238", what, "name a feature as the feature dictionary does")


def _gate(composer: Composer, gate: Gate, where: str) -> None:
    spec = composer.spec.audit
    base = base_of(gate.metric)
    if gate.group is None:
        known, at_capacity = OVERALL_METRICS | CAPACITY_METRICS, gate.metric in CAPACITY_METRICS
        fits = gate.metric in known
    else:
        known, at_capacity = GROUP_RATES | GROUP_SCORES, base in GROUP_RATES
        fits = base in known
    if not fits:
        kind = "metric by group" if gate.group else "metric"
        hint = nearest(base if gate.group else gate.metric, sorted(known), "metrics")
        composer.fault("RS1237", f"{where}: `{gate.metric}` is not a {kind}{hint}")
        return
    named = {last_part(group) for group in spec.groups}
    named |= {intersection_name(names) for names in spec.intersections}
    if gate.group is not None and gate.group not in named:
        hint = nearest(gate.group, sorted(named), "groups")
        composer.fault("RS1237", f"{where}: `{gate.group}` is not one of `audit.groups`{hint}")
    shares = ", ".join(map(str, spec.capacity))
    if at_capacity and gate.at is None:
        what = f"{where}: `{gate.metric}` is taken at a capacity; say which, as in at={shares[:4]}"
        composer.fault("RS1237", what.rstrip(","), f"capacities of this study: {shares}")
    elif at_capacity and gate.at not in spec.capacity:
        what = f"{where}: {gate.at} is not one of `audit.capacity` ({shares})"
        composer.fault("RS1237", what, f"add {gate.at} to `audit.capacity`, or use one of them")
    elif not at_capacity and gate.at is not None:
        composer.fault("RS1237", f"{where}: `{gate.metric}` is not taken at a capacity; drop `at`")


def check_release(composer: Composer) -> None:
    """Whose list, which columns, which dimensions."""
    for i, recipient in enumerate(composer.spec.release.recipients):
        at: KeyPath = ("release", "recipients", i)
        if recipient.own:
            composer.attribute(recipient.own, *at, "own")
        for j, text in enumerate(recipient.by):
            composer.attribute(text, *at, "by", j)
        cells = set(OWN_COLUMNS) if recipient.rows == "own_patients" else set(RELEASE_COLUMNS)
        for j, text in enumerate(recipient.columns):
            if text not in {*OWN_COLUMNS, *RELEASE_COLUMNS}:
                composer.attribute(text, *at, "columns", j)
            elif text not in cells:
                kind = recipient.rows.replace("_", " ")
                what = f"{composer.at(*at, 'columns', j)}: a list of {kind} never holds `{text}`"
                composer.fault("RS1271", what, f"choose from {', '.join(sorted(cells))}")
