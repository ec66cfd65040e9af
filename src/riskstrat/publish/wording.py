"""Plain English for names, numbers and verdicts on a page."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from math import isinf, isnan
from types import MappingProxyType
from typing import Any

from riskstrat.vocabulary import in_words

MARKS = MappingProxyType(
    {"none": "", "hes": "*", "opensafely": "[redacted]", "dfe": "c", "strict": "suppressed"}
)
"""What stands for a suppressed count; the release policies say the same, and a test holds both
to it. A joint policy says `suppressed`."""

LEARNERS = MappingProxyType(
    {
        "lightgbm": "Boosted trees (LightGBM)",
        "logistic_regression": "Logistic regression",
        "existing_score": "Existing score",
        "glass_box": "Glass box (explainable boosting)",
        "base_rate": "Average rate (rule of thumb)",
        "age_sex": "Age and sex (rule of thumb)",
        "prior_use": "Previous use (rule of thumb)",
    }
)
BASELINES = ("base_rate", "age_sex", "prior_use")

METRICS = MappingProxyType(
    {
        "auroc": "AUROC",
        "average_precision": "Average precision",
        "brier": "Brier score",
        "log_loss": "Log loss",
        "calibration_slope": "Calibration slope",
        "calibration_in_the_large": "Observed over expected",
        "ece": "Expected calibration error",
        "net_benefit": "Net benefit",
        "ppv": "Correct among those listed",
        "sensitivity": "Outcomes reached",
        "specificity": "Correctly left off the list",
        "false_positive_rate": "Wrongly listed",
        "false_negative_rate": "Missed",
        "selection_rate": "Share listed",
        "prevalence": "Had the outcome",
        "lift": "Lift",
        "number_needed_to_review": "People to review per outcome",
        "links_missed": "Right person not found",
        "links_wrong": "Linked to somebody else",
        "off_register": "Not found on the register",
        "unsure_links": "Linked, but not surely",
        "unsure_people": "People with a link that is not sure",
        "sensitivity_ratio": "Outcomes reached, as a multiple of the reference group's",
        "membership_inference_auc": "Could an attacker tell who was learnt from (AUC)",
        "membership_inference_auc_positives": (
            "Could an attacker tell who of those with the outcome was learnt from (AUC)"
        ),
        "membership_tpr_at_low_fpr": "Share an attacker names, one in 1,000 wrongly",
        "smallest_leaf_people": "Fewest people behind a leaf or coefficient",
        "rarest_reason_people": "Fewest people of whom a reason is true",
        "degrees_of_freedom": "Degrees of freedom left",
    }
)

BANDS = MappingProxyType(
    {"very_high": "Very high", "high": "High", "moderate": "Moderate", "low": "Low (not listed)"}
)
SPLITS = MappingProxyType({"test": "Held-out test", "validation": "Inner validation"})

HEADERS = MappingProxyType(
    {
        "rows_in": "Rows received",
        "as_of": "As-of date",
        "as_of_from": "First as-of date",
        "n": "People",
        "share": "Capacity",
        "at": "Capacity",
        "low": "95% from",
        "high": "95% to",
        "positives": "With the outcome",
        "uk_gdpr": "UK GDPR",
        "verdict": "Evidence",
        "share_missing": "Missing",
        "expected": "Expected outcomes",
        "expected_share": "Expected rate",
        "predicted": "Mean predicted risk",
        "observed": "Observed rate",
        "text": "Gate",
        "threshold": "Limit",
        "where": "Where",
        "yes": "Yes",
        "no": "No",
        "rate": "Rate among known",
        "peak_mb": "Peak memory (MB)",
        "covers": "Data cover",
        "title": "Source",
        "rejected": "Left out",
        "recipient": "Who",
        "gets": "What they get",
        "months": "Window",
        "summary": "What it made",
    }
)

PERCENT = frozenset(
    {"share", "at", "rate", "expected_share", "share_missing", "predicted", "observed",
     "sensitivity", "ppv", "probability_threshold"}
)  # fmt: skip
PERCENT_METRICS = frozenset(
    {"ppv", "sensitivity", "specificity", "false_positive_rate", "false_negative_rate",
     "selection_rate", "prevalence", "links_missed", "links_wrong", "off_register", "unsure_links",
     "unsure_people"}
)  # fmt: skip
COUNTS = frozenset(
    {"n", "positives", "selected", "people", "expected", "rows_in", "accepted", "rejected", "yes",
     "no", "not_yet_known", "known"}
)  # fmt: skip
NUMBERS = COUNTS | PERCENT | {
    "value", "low", "high", "threshold", "seconds", "peak_mb", "importance", "findings",
    "net_benefit", "lift", "fold", "window_days",
}  # fmt: skip
DECIMALS = MappingProxyType(
    {"lift": 1, "number_needed_to_review": 1, "calibration_slope": 2, "calibration_in_the_large": 2}
)
WHOLE = frozenset({"smallest_leaf_people", "rarest_reason_people", "degrees_of_freedom"})
"""metrics that count: no decimals, and no interval, for nothing is estimated"""
DATES = frozenset({"as_of", "ends", "starts", "window_ends", "as_of_from"})
EVIDENCE = MappingProxyType({"ok": "enough evidence", "not_enough_evidence": "not enough evidence"})
_ISO = re.compile(r"\b\d{4}-\d{2}-\d{2}\b")
NO_LIMIT = "no upper limit"
NOTHING = "n/a"


def mark(policy: str) -> str:
    """What stands in place of a suppressed count under a policy."""
    return MARKS.get(policy, "suppressed")


def header_text(name: str) -> str:
    """A column's plain-English header."""
    if name.startswith("share_") and name != "share_missing":
        return f"Share {BANDS.get(name[6:], name[6:]).lower()}"
    known = HEADERS.get(name) or BANDS.get(name) or METRICS.get(name)
    return known or in_words(name)


def is_number_column(name: str) -> bool:
    """Whether a column is right-aligned."""
    return name in NUMBERS or name.startswith("share_")


def cell_text(column: str, record: Mapping[str, Any], policy: str) -> str:
    """One cell as text; what is withheld says so in words."""
    value = record.get(column)
    if value is None or (isinstance(value, float) and isnan(value)):
        return _absent(column, record, policy)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, date) or column in DATES:
        return day(value)
    match column:
        case "learner" | "model":
            return learner(value)
        case "metric":
            return metric(value)
        case "band":
            return BANDS.get(value, value)
        case "split":
            return SPLITS.get(value, value)
        case "verdict":
            return EVIDENCE.get(value, value)
    if column == "covers":
        return _ISO.sub(lambda found: day(found[0]), str(value))
    if isinstance(value, int | float):
        return _numeral(column, value, record)
    if isinstance(value, list | tuple | set | frozenset):
        return ", ".join(str(part) for part in value)
    return str(value)


def _absent(column: str, record: Mapping[str, Any], policy: str) -> str:
    """What stands in an empty cell: the policy's mark for a count, the status for an estimate."""
    status = record.get("status")
    if column in ("value", "observed", "net_benefit") and status not in (None, "shown"):
        return str(status)
    if column in ("expected_share", "rate") or column.startswith("share_"):
        return "withheld" if policy else NOTHING
    if column in COUNTS or (column in BANDS and not status):
        return mark(policy) if policy else NOTHING
    return NOTHING if is_number_column(column) else ""


def _numeral(column: str, value: float, record: Mapping[str, Any]) -> str:
    if isinstance(value, int):
        return f"{value:,}"
    if column in PERCENT or column.startswith("share_"):
        return percent(value)
    if column in ("low", "high") and "metric" not in record and "observed" in record:
        return percent(value)  # limits of a rate, beside which they stand
    if column in ("value", "low", "high"):
        return measure(value, str(record.get("metric", "")), record.get("n"))
    return number(value)


def measure(value: float, metric_name: str, n: int | None = None) -> str:
    """A metric's value with the decimals that it deserves."""
    if isinf(value):
        return NO_LIMIT
    if metric_name in PERCENT_METRICS:
        # Under 1,000 people estimates are protected to two decimals: a third would be made up.
        return f"{value:.0%}" if n is not None and n < 1000 else f"{value:.1%}"
    if metric_name in WHOLE:
        return f"{value:,.0f}"
    most = 2 if metric_name.endswith("_ratio") or (n is not None and n < 1000) else 3
    return f"{value:,.{min(DECIMALS.get(metric_name, 3), most)}f}"


def percent(value: float) -> str:
    """A share as a percentage, with a decimal only where it tells something."""
    points = value * 100
    return f"{points:.1f}%" if abs(points - round(points)) > 1e-9 else f"{round(points)}%"


def number(value: float) -> str:
    """A number that is no metric, with at most three decimals."""
    if isinf(value):
        return NO_LIMIT
    if abs(value) >= 10:
        return f"{value:,.0f}" if value == int(value) else f"{value:,.1f}"
    return f"{value:.3f}".rstrip("0").rstrip(".") or "0"


def estimate(record: Mapping[str, Any]) -> str:
    """A value with its interval: `0.77 (0.75 to 0.80)`, or why there is none."""
    if record.get("value") is None:
        return str(record.get("status") or "not estimable")
    text = cell_text("value", record, "")
    if record.get("low") is None or record.get("high") is None or record.get("metric") in WHOLE:
        return text
    low, high = (cell_text(name, record, "") for name in ("low", "high"))
    return f"{text} ({low} to {high})"


def learner(name: str) -> str:
    """A learner's or a baseline's name for people."""
    return LEARNERS.get(name, name.replace("_", " ").capitalize())


def metric(name: str) -> str:
    """A metric's name for people."""
    return METRICS.get(name, name.replace("_", " ").capitalize())


def day(value: date | str) -> str:
    """A date in UK form: 1 April 2024. Text that is no ISO date stays as it is."""
    try:
        found = value if isinstance(value, date) else date.fromisoformat(value[:10])
    except ValueError:
        return str(value)
    return f"{found.day} {found:%B} {found.year}"


def verdict(text: object) -> str:
    """`pass`, `fail` or `not enough evidence`, however the gate said it."""
    said = str(text).strip().lower().replace("_", " ")
    if said in ("pass", "passed", "true"):
        return "pass"
    return "fail" if said in ("fail", "failed", "false") else "not enough evidence"
