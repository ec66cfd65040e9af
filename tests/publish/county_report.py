"""A report as a county would get it: made-up measurements, protected as the pipeline does it."""

from __future__ import annotations

from dataclasses import replace
from math import exp

from riskstrat.publish.report_data import ReportData
from riskstrat.publish.study_tables import flow_table, sharing_table
from riskstrat.publish.tables import PlainTable
from riskstrat.release import evidence
from riskstrat.release import report_tables as make
from riskstrat.release.disclosure import Policy, policy_named, protect
from riskstrat.vocabulary import Finding, Severity

LEARNERS = {
    "lightgbm": (0.786, 0.41, 0.398, 0.271),
    "logistic_regression": (0.774, 0.39, 0.381, 0.259),
    "prior_use": (0.688, 0.28, 0.301, 0.204),
    "age_sex": (0.671, 0.19, 0.182, 0.117),
    "base_rate": (0.5, 0.089, 0.089, 0.05),
}
N_TEST, POSITIVES = 41_237, 3_671


def around(value: float, half: float, n: int) -> dict[str, float | int]:
    return {"value": value, "low": value - half, "high": value + half, "n": n}


def measured(split: str) -> dict[str, object]:
    shift = 0.0 if split == "test" else 0.004
    found = {}
    for name, (auroc, precision, ppv, reached) in LEARNERS.items():
        found[name] = {
            "auroc": around(auroc + shift, 0.008, N_TEST),
            "average_precision": around(precision + shift, 0.014, N_TEST),
            "brier": around(0.0712 + (0.79 - auroc) / 30, 0.0015, N_TEST),
            "calibration_slope": around(0.983, 0.04, N_TEST),
            "calibration_in_the_large": around(1.012, 0.035, N_TEST),
            "ece": around(0.0061, 0.002, N_TEST),
            "at_capacity": [
                {
                    "share": share,
                    "threshold": 0.6 / (1 + 40 * share),
                    "selected": round(share * N_TEST),
                    "ppv": around(ppv * scale, 0.021, round(share * N_TEST)),
                    "sensitivity": around(
                        min(0.98, reached * share**0.62 / 0.05**0.62), 0.012, POSITIVES
                    ),
                    "specificity": around(0.967, 0.002, N_TEST - POSITIVES),
                    "lift": around(ppv * scale / 0.089, 0.2, N_TEST),
                    "number_needed_to_review": around(1 / (ppv * scale), 0.1, N_TEST),
                }
                for share, scale in ((0.005, 1.62), (0.05, 1.0), (0.2, 0.55))
            ],
        }
    return found


METRICS = {"validation": measured("validation"), "test": measured("test")}

LEVELS = {
    "sex": {
        "Female": (21_240, 1_802, 0.279),
        "Male": (19_990, 1_865, 0.262),
        "Not stated": (7, 4, 0.5),
    },
    "age_band": {
        "18 to 39": (13_004, 488, 0.118),
        "40 to 64": (15_610, 934, 0.214),
        "65 to 74": (5_882, 655, 0.276),
        "75 to 84": (4_489, 933, 0.337),
        "85 and over": (2_252, 661, 0.371),
    },
    "ethnicity": {
        "White": (35_900, 3_310, 0.274),
        "Asian or Asian British": (2_905, 196, 0.241),
        "Black or Black British": (1_420, 96, 0.229),
        "Mixed": (611, 31, 0.225),
        "Other": (372, 29, 0.241),
        "Gypsy or Irish Traveller": (29, 9, 0.33),
        "Roma": (0, 0, float("nan")),
    },
    "imd_quintile": {
        "1 (most deprived)": (8_411, 1_002, 0.301),
        "2": (8_297, 811, 0.28),
        "3": (8_204, 706, 0.262),
        "4": (8_171, 612, 0.25),
        "5 (least deprived)": (8_154, 540, 0.247),
    },
}


def fairness_rows() -> list[dict[str, object]]:
    rows = []
    for group, levels in LEVELS.items():
        for level, (n, positives, reached) in levels.items():
            for metric, value, people in (
                ("sensitivity", reached, positives),
                ("ppv", 0.4 + (reached - 0.27) / 3, round(n * 0.05)),
                ("false_positive_rate", 0.033, n - positives),
            ):
                rows.append(
                    {
                        "group": group, "level": level, "metric": metric, "at": "0.05",
                        **around(value, 0.6 / max(people, 1) ** 0.5, people),
                        "people": n, "positives": positives,
                        "verdict": "not_enough_evidence" if positives < 100 else "ok",
                    }
                )  # fmt: skip
    return rows


def gain_rows() -> list[dict[str, object]]:
    rows = []
    for learner, steep in (("lightgbm", 6.1), ("prior_use", 4.3)):
        for step in range(1, 101):
            share = (step / 100) ** 1.5
            reached = 1 - (1 - share) ** steep
            rows.append(
                {"learner": learner, "share": share, "sensitivity": reached,
                 "ppv": reached * POSITIVES / (share * N_TEST), "n": round(share * N_TEST),
                 "positives": round(reached * POSITIVES)}
            )  # fmt: skip
    return rows


def decision_rows() -> list[dict[str, object]]:
    rows = []
    for step in range(1, 51):
        threshold = step / 100
        odds = threshold / (1 - threshold)
        treat_all = 0.089 - 0.911 * odds
        for learner, value in (
            ("lightgbm", 0.089 * exp(-3.1 * threshold) * 0.95),
            ("everybody", max(treat_all, -0.02)),
            ("nobody", 0.0),
        ):
            rows.append({"learner": learner, "probability_threshold": threshold,
                         "net_benefit": value, "n": N_TEST})  # fmt: skip
    return rows


FEATURES = (
    (
        "emergency_admissions__count__1095d",
        "Emergency admissions in the last 3 years",
        "NHS",
        0.242,
    ),
    ("age", "Age on the day", "GP", 0.171),
    ("ed_attendances__count__365d", "A&E attendances in the last year", "NHS", 0.118),
    ("prescriptions__distinct__365d", "Kinds of medicine in the last year", "GP", 0.094),
    ("long_term_conditions", "Long-term conditions known to the GP", "GP", 0.089),
    ("care_packages__count__365d", "Care packages in the last year", "County council", 0.051),
    ("ambulance__count__90d", "Ambulance call-outs in the last 90 days", "Ambulance", 0.044),
    ("imd_decile", "Deprivation of the neighbourhood", "ONS", 0.038),
    (
        "police__household__count__365d",
        "Police incidents at the address in the last year",
        "Police",
        0.019,
    ),
    ("rent_arrears__mean__365d", "Rent arrears, mean of the last year", "District council", 0.013),
)


def county_report(policy: Policy | None = None) -> ReportData:
    policy = policy or policy_named("strict")
    importance = [
        {"feature": name, "meaning": meaning, "agency": agency, "importance": share}
        for name, meaning, agency, share in FEATURES
    ]
    agencies: dict[str, float] = {}
    for row in importance:
        agencies[str(row["agency"])] = agencies.get(str(row["agency"]), 0.0) + float(
            str(row["importance"])
        )
    return ReportData(
        title="Emergency admission within 12 months",
        question="Which adults registered with a GP are at risk of an emergency admission in the "
        "next 12 months, so that care coordinators can offer help first where it is most needed?",
        study="emergency_admission",
        outcome="Emergency admission or death",
        horizon="365 days",
        purpose="case_finding",
        run_id="2024-04-01-7f3a9c2e",
        champion="lightgbm",
        policy=policy.name,
        model="emergency_admission",
        version="3",
        as_of="2024-04-01",
        data_as_at="2024-03-31",
        made_up=True,
        known_when=(
            "Each feature sees only what had happened and had reached the platform before the "
            "as-of date; attributes are those known on the day.",
        ),
        reidentification=(
            "The list holds pseudonyms. Only the GP practice responsible for a person can ask for "
            "re-identification, and every request is logged with its reason.",
        ),
        limits=("Private hospitals send no data, so their admissions are not seen.",),
        provenance={
            "riskstrat": "0.1.0",
            "Seed": 20260401,
            "Study digest": "9c41" * 16,
            "Features digest": "1fa0" * 16,
        },
        study_text="study: emergency_admission\ntitle: Emergency admission within 12 months\n",
        sources=make.sources_table(
            [
                {
                    "source": "admissions",
                    "agency": "NHS",
                    "title": "Hospital admissions",
                    "rows_in": 90_812,
                    "accepted": 90_401,
                    "rejected": 411,
                    "covers": "1 April 2016 to 31 March 2024",
                    "findings": 2,
                },
                {
                    "source": "police_incidents",
                    "agency": "Police",
                    "title": "Incidents",
                    "rows_in": 22_104,
                    "accepted": 22_101,
                    "rejected": 3,
                    "covers": "1 April 2018 to 31 March 2024",
                    "findings": 1,
                },
                {
                    "source": "prescriptions",
                    "agency": "GP",
                    "title": "Prescriptions",
                    "rows_in": 1_804_336,
                    "accepted": 1_804_336,
                    "rejected": 0,
                    "covers": "1 April 2016 to 31 March 2024",
                    "findings": 0,
                },
            ],
            policy,
        ),
        flow=make.flow_table(
            [
                {"as_of": date, "step": step, "n": n + shift}
                for shift, date in enumerate(("2022-04-01", "2023-04-01", "2024-04-01"))
                for step, n in (
                    ("In the register of patients", 52_806),
                    ("Alive on the day", 52_401),
                    ("Aged 18 and over", 41_903),
                    ("Not opted out", 41_240),
                    ("Cohort", 41_237),
                )
            ],
            policy,
        ),
        outcomes=make.outcome_table(
            [
                {
                    "as_of": "2022-04-01",
                    "n": 40_611,
                    "yes": 3_590,
                    "no": 36_601,
                    "not_yet_known": 420,
                },
                {
                    "as_of": "2023-04-01",
                    "n": 41_237,
                    "yes": 3_671,
                    "no": 37_561,
                    "not_yet_known": 5,
                },
                {
                    "as_of": "2024-04-01",
                    "n": 41_502,
                    "yes": 0,
                    "no": 0,
                    "not_yet_known": 41_502,
                },
            ],
            policy,
        ),
        folds=make.folds_table(
            [
                {
                    "fold": 1,
                    "role": "train",
                    "as_of": "2020-04-01",
                    "window_ends": "2021-04-01",
                    "n": 39_210,
                    "positives": 3_410,
                },
                {
                    "fold": 1,
                    "role": "validation",
                    "as_of": "2021-04-01",
                    "window_ends": "2022-04-01",
                    "n": 39_902,
                    "positives": 3_497,
                },
                {
                    "fold": 2,
                    "role": "train",
                    "as_of": "2021-04-01",
                    "window_ends": "2022-04-01",
                    "n": 39_902,
                    "positives": 3_497,
                },
                {
                    "fold": 2,
                    "role": "validation",
                    "as_of": "2022-04-01",
                    "window_ends": "2023-04-01",
                    "n": 40_611,
                    "positives": 3_590,
                },
                {
                    "fold": 3,
                    "role": "test",
                    "as_of": "2023-04-01",
                    "window_ends": "2024-04-01",
                    "n": 41_237,
                    "positives": 3_671,
                },
            ],
            policy,
        ),
        performance=evidence.performance_table(METRICS, policy),
        at_capacity=evidence.capacity_table(METRICS, policy),
        calibration=evidence.calibration_table(
            [
                {
                    "learner": "lightgbm",
                    "predicted": p,
                    "observed": o,
                    "low": o - 0.008 - o / 20,
                    "high": o + 0.008 + o / 20,
                    "n": n,
                }
                for p, o, n in (
                    (0.012, 0.011, 8_000),
                    (0.021, 0.024, 8_000),
                    (0.038, 0.036, 8_000),
                    (0.071, 0.069, 6_000),
                    (0.12, 0.127, 5_000),
                    (0.2, 0.19, 3_000),
                    (0.31, 0.322, 2_000),
                    (0.47, 0.451, 1_000),
                    (0.68, 0.66, 230),
                    (0.84, 0.86, 7),
                )
            ],
            policy,
        ),
        gains=evidence.curve_table(
            "Gains", gain_rows(), policy, values=("share", "sensitivity", "ppv")
        ),
        decision=evidence.curve_table(
            "Net benefit", decision_rows(), policy, values=("probability_threshold", "net_benefit")
        ),
        risk=make.histogram_table(
            [
                {
                    "band": band,
                    "low": low / 20,
                    "high": (low + 1) / 20,
                    "n": round(24_000 * exp(-low / 2.1)),
                }
                for low in range(18)
                for band in (
                    "low"
                    if low < 3
                    else "moderate"
                    if low < 6
                    else "high"
                    if low < 11
                    else "very_high",
                )
            ],
            policy,
        ),
        fairness=evidence.fairness_table(fairness_rows(), policy),
        gates=make.gates_table(
            [
                {
                    "code": "RS320",
                    "name": "auroc",
                    "explanation": "The lower limit of AUROC is 0.778.",
                    "text": "auroc.low >= 0.70",
                    **around(0.786, 0.008, N_TEST),
                    "threshold": 0.7,
                    "verdict": "pass",
                },
                {
                    "code": "RS3002",
                    "text": "calibration_slope in [0.9, 1.1]",
                    **around(0.983, 0.04, N_TEST),
                    "verdict": "pass",
                },
                {
                    "code": "RS3003",
                    "text": "sensitivity_ratio(ethnicity, at=0.05) >= 0.8",
                    **around(0.821, 0.17, 31),
                    "threshold": 0.8,
                    "verdict": "not enough evidence",
                },
                {
                    "code": "RS3004",
                    "text": "membership_inference_auc <= 0.55",
                    **around(0.512, 0.01, 20_000),
                    "threshold": 0.55,
                    "verdict": "pass",
                },
            ],
            policy,
        ),
        findings=make.findings_table(
            [
                Finding(
                    "RS1104",
                    "late_records",
                    Severity.WARNING,
                    "police_incidents",
                    "1.2% of rows arrived more than a year after the incident",
                    fix="ask the agency why; the rows count from the day they arrived",
                ),
                Finding(
                    "RS1108",
                    "volume",
                    Severity.INFO,
                    "admissions",
                    "April 2020 has 54% fewer rows than the months around it",
                    value=0.46,
                    n=611,
                ),
            ],
            policy,
        ),
        bands=protect(
            "The list by band",
            ("band", "people", "expected", "expected_share"),
            [
                ("very_high", 206, 133, 0.6456),
                ("high", 1_856, 690, 0.3718),
                ("moderate", 6_185, 1_120, 0.1811),
                ("low", 32_990, 1_728, 0.0524),
            ],
            counts=("people", "expected"),
            means={"expected_share": "people"},
            policy=policy,
            total="All that is shown",
        ),
        agreements=PlainTable.of(
            "Agreements",
            ("agreement", "reference", "sources", "uk_gdpr", "statutory_gateway", "ends"),
            [
                {
                    "agreement": "Health and care ISA",
                    "reference": "ISA-2024-11",
                    "sources": "admissions, prescriptions",
                    "uk_gdpr": "6(1)(e), 9(2)(h)",
                    "statutory_gateway": "NHS Act 2006 s251",
                    "ends": "2027-03-31",
                },
                {
                    "agreement": "Community safety ISA",
                    "reference": "ISA-2023-04",
                    "sources": "police_incidents",
                    "uk_gdpr": "6(1)(e), 10",
                    "statutory_gateway": "Crime and Disorder Act 1998 s115",
                    "ends": "2026-09-30",
                },
            ],
        ),
        sharing=sharing_table(
            [
                {
                    "source": "admissions",
                    "purpose": "case_finding",
                    "opt_outs": ["national", "risk_stratification"],
                    "recipients": {
                        "gp_practice": "own patients: all columns",
                        "public_health": "counts: scores only",
                    },
                },
                {
                    "source": "police_incidents",
                    "purpose": "case_finding",
                    "opt_outs": [],
                    "recipients": {"gp_practice": "nothing"},
                },
            ]
        ),
        data_flow=flow_table(
            [
                {
                    "origin": "Hospitals",
                    "to": "Checked on arrival",
                    "what": "admissions",
                    "under": "ISA-2024-11",
                },
                {
                    "origin": "Police",
                    "to": "Checked on arrival",
                    "what": "police_incidents",
                    "under": "ISA-2023-04",
                },
                {
                    "origin": "Checked on arrival",
                    "to": "Pseudonymised store",
                    "what": "accepted rows",
                    "under": "opted out and left out: national",
                },
                {
                    "origin": "Pseudonymised store",
                    "to": "Features and model",
                    "what": "121 features",
                    "under": "",
                },
                {
                    "origin": "Features and model",
                    "to": "gp_practice",
                    "what": "own patients: " + ", ".join(f"column_{n}" for n in range(30)),
                    "under": "ISA-2023-04, ISA-2024-11",
                },
            ]
        ),
        dictionary=PlainTable.of(
            "Features",
            ("name", "meaning", "source", "window", "share_missing"),
            [
                {"name": n, "meaning": m, "source": a, "window": "365 days", "share_missing": 0.013}
                for n, m, a, _ in FEATURES
            ],
        ),
        importance=PlainTable.of(
            "Importance by feature", ("feature", "meaning", "agency", "importance"), importance
        ),
        importance_by_agency=PlainTable.of(
            "Importance by agency",
            ("agency", "importance"),
            [{"agency": a, "importance": v} for a, v in agencies.items()],
        ),
        stages=PlainTable.of(
            "Stages",
            ("stage", "seconds", "peak_mb"),
            [
                {"stage": s, "seconds": t, "peak_mb": m}
                for s, t, m in (
                    ("contracts", 4.2, 410.0),
                    ("cohort", 1.1, 240.0),
                    ("features", 6.8, 690.0),
                    ("training", 92.4, 810.0),
                )
            ],
        ),
    )


def approved(data: ReportData) -> ReportData:
    decision = {"by": "A. Reviewer", "role": "Caldicott Guardian", "on": "2024-04-20",
                "decision": "approved", "reason": "gates judged in committee"}  # fmt: skip
    return replace(data, status="approved", approvals=(decision,))
