"""Every code and what it says: the pages behind ``riskstrat explain CODE``.

A stage keeps the texts of its own codes in its ``codes.py``; this module puts them together and
holds those of the families and of the stages that have few. To add one, add a line: code, title,
meaning, how it is found, what to do.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import chain
from types import MappingProxyType

from riskstrat.audit.codes import AUDIT_CODES
from riskstrat.contracts.agreements.codes import AGREEMENT_CODES
from riskstrat.contracts.codes import CONTRACT_CODES
from riskstrat.custody.codes import CUSTODY_CODES
from riskstrat.intruder.codes import INTRUDER_CODES
from riskstrat.linkage.codes import LINKAGE_CODES
from riskstrat.mitigation.codes import MITIGATION_CODES
from riskstrat.monitoring.codes import MONITORING_CODES
from riskstrat.privacy.codes import PRIVACY_CODES
from riskstrat.publish.pack.codes import PACK_CODES
from riskstrat.release.codes import RELEASE_CODES
from riskstrat.robustness.codes import ROBUSTNESS_CODES
from riskstrat.signoff.codes import SIGNOFF_CODES
from riskstrat.study.codes import STUDY_CODES
from riskstrat.vocabulary import Code

_BUG = "Report it with the lines above the message; they hold no row values."
_STORED = "What is stored carries the SHA-256 of its bytes, which is compared before it is used."

_FAMILIES = (
    Code(
        "RS0002",
        "The command cannot work as given",
        "An option or argument is missing, unknown, or does not go with another.",
        "Options are checked before anything runs.",
        "See `riskstrat COMMAND --help`.",
    ),
    Code(
        "RS0070",
        "Internal error",
        "riskstrat met something it does not know how to say. This is a bug, not your mistake.",
        "Anything that is not one of the known families of errors.",
        _BUG,
    ),
    Code(
        "RS1370",
        "Out of memory",
        "The work needs more memory than it was given.",
        "The database engine refused, or the system ended the stage.",
        "Give more with `--memory`, use fewer `--threads`, or free memory; finished stages are "
        "reused.",
    ),
    Code(
        "RS1371",
        "Learning would need more memory than it may use",
        "The rows and features to learn from do not fit in what `--memory` allows. Nothing was "
        "tried, and nothing is sampled in silence: a machine may not change a result.",
        "Rows and features are counted before learning begins, at 260 bytes a row and 4.7 a cell.",
        "Give more with `--memory`, or set `training.sample: {negatives: 0.1}` in the study.",
    ),
    Code(
        "RS2000",
        "A gate failed",
        "The run is complete and kept, but the model is not promoted.",
        "The study's gates are held against the metrics of the held-out dates.",
        "Read the report: it shows each gate with its value, interval and limit.",
    ),
    Code(
        "RS7500",
        "Busy",
        "Another run holds the store.",
        "A run takes a lock on the store before it writes.",
        "Wait for it to finish, or use another `--store`.",
    ),
)

_THIN = (
    Code(
        "RS1400",
        "Too thin to answer",
        "The data are too thin to answer the study's question.",
        "Units, dates and outcomes are counted before anything is learnt.",
        "Read the message: it says what is missing.",
    ),
    Code(
        "RS1401",
        "Nobody left",
        "No unit is in scope at any as-of date, or nobody in scope has a known outcome.",
        "Units are counted at each step of the cohort.",
        "Look at `who`, the as-of dates, and the dates in the sources.",
    ),
    Code(
        "RS1402",
        "No outcome ripe in time",
        "No outcome is known yet, or no training date lies far enough before the first test date.",
        "A window must end inside the coverage of the sources of the event and of deaths; training "
        "outcomes must have ripened before the first test date.",
        "Choose earlier as-of dates or a shorter `within`, or lower `test_last`.",
    ),
    Code(
        "RS1403",
        "One answer, or too few groups",
        "The outcome is the same for everybody, or there are fewer groups than folds.",
        "Outcomes, and the groups of the folds, are counted.",
        "Check the outcome's `event`, `where` and codes; lower `k`, or group by something smaller.",
    ),
    Code(
        "RS1404",
        "One answer in a fold",
        "Within one part of the folds nobody, or everybody, had the outcome.",
        "Outcomes are counted in each part.",
        "Lengthen `within`, widen the outcome, add as-of dates, or use fewer folds.",
    ),
    Code(
        "RS1405",
        "Too few outcomes to learn from",
        "The training part holds too few outcomes.",
        "Outcomes are counted in each training part.",
        "Add as-of dates, widen the cohort, lengthen `within` or widen the outcome.",
    ),
)

_RELEASE = (
    Code(
        "RS3000",
        "Release refused",
        "Something that may not leave was asked to leave.",
        "Every table passes disclosure control, and every release needs its approvals.",
        "Read the message: it says what stands in the way.",
    ),
    Code(
        "RS3001",
        "Nothing to protect under that name",
        "Disclosure control was asked to protect a column that the table lacks.",
        "The names are compared with the table's columns.",
        _BUG,
    ),
    Code(
        "RS3002",
        "A table with ragged rows",
        "Rows of a table have different numbers of cells, so its counts cannot be protected.",
        "Cells are counted.",
        _BUG,
    ),
    Code(
        "RS3003",
        "Whole numbers that may count people",
        "A table holds whole numbers that were declared neither as counts nor as harmless.",
        "Every column of whole numbers must be one or the other.",
        _BUG,
    ),
    Code(
        "RS3004",
        "Cells that are not counts",
        "A column of counts holds something else than whole numbers of at least 0.",
        "Every cell is looked at.",
        _BUG,
    ),
    Code(
        "RS3010",
        "People without a score",
        "Some people in scope have no score, or nobody is in scope, so there is no list.",
        "Scores are counted before bands are cut.",
        "Check the date that is scored for, and the model's features on it.",
    ),
    Code(
        "RS3011",
        "Counts only",
        "This recipient may have counts, not rows of people.",
        "`rows` of the recipient is looked at.",
        "Use the recipient's aggregate table.",
    ),
    Code(
        "RS3020",
        "A table that was not protected",
        "A report was given a table that did not pass disclosure control.",
        "Reports accept protected tables alone.",
        _BUG,
    ),
    Code(
        "RS3021",
        "A table lacks columns",
        "A report was given a table without the columns it shows.",
        "The columns are compared with those the report needs.",
        _BUG,
    ),
)

_STORE = (
    Code(
        "RS7400",
        "Storage",
        "The disk is full or unreadable, or something stored no longer matches its digest.",
        _STORED,
        "Read the message: it names the place.",
    ),
    Code(
        "RS7401",
        "The disk is full",
        "There is no room to write. Nothing half written was kept.",
        "The operating system refused to write.",
        "Free some space and run the same command again: finished stages are reused.",
    ),
    Code(
        "RS7402",
        "The store cannot be used",
        "A folder of the store is missing or may not be read or written.",
        "The operating system's own reason is in the message.",
        "Check the folder and its permissions, or use another `--store`.",
    ),
    Code(
        "RS7403",
        "A stored file is damaged",
        "A file that describes stored results is missing or cannot be read.",
        _STORED,
        "Run the study again.",
    ),
    Code(
        "RS7404",
        "A stored file was changed",
        "The bytes of a stored file are not those that were written.",
        _STORED,
        "Remove the folder the message names and run the study again.",
    ),
    Code(
        "RS7405",
        "The log was changed",
        "An entry of the log does not follow from the one before it, or cannot be read.",
        "Each entry holds a hash over itself and over the entry before it.",
        "Compare the log with a copy kept elsewhere, and put that copy back.",
    ),
    Code(
        "RS7406",
        "The end of the log was cut off",
        "The log lacks an entry that its anchor knows: entries were cut off its end, or an older "
        "log was put in its place.",
        "The newest hash is written to an anchor beside the log, and to a second one in the folder "
        "that RISKSTRAT_LOG_ANCHORS names.",
        "Put the log back from a copy kept elsewhere. Nothing is added to it until then.",
    ),
    Code(
        "RS7408",
        "The ledger of releases lacks one",
        "The log tells of a release, by the hash of its entry in the ledger of releases, and the "
        "ledger does not hold it: it was removed, replaced or cut short.",
        "Every release is looked up before the next one is audited against them.",
        "Put the ledger and its anchor back from a copy kept elsewhere. Nothing is released until "
        "then: what left before could not be minded.",
    ),
    Code(
        "RS7450",
        "The model registry refused",
        "The registry did not accept a request.",
        "The registry's own code is in the message.",
        "Check its address and that its database belongs to this version of MLflow.",
    ),
    Code(
        "RS7451",
        "The packaged model does not score",
        "The model as packaged cannot score, or scores differently from the one that was trained.",
        "A sample is scored with both before the model is registered.",
        "Run the study again; if it stays so, report it.",
    ),
    Code(
        "RS7452",
        "No model to score with",
        "No version of the model is champion or challenger.",
        "The registry's aliases are looked up.",
        "Run the study; if its gates fail, read its report.",
    ),
    Code(
        "RS7453",
        "The registered model was changed",
        "The files of a registered model are not those that were registered.",
        _STORED,
        "Do not score with it: restore the store from a backup or run the study again.",
    ),
    Code(
        "RS7454",
        "No such version",
        "The registry has no such version of the model.",
        "Versions are looked up by number.",
        "Run the study, or name a version that exists.",
    ),
    Code(
        "RS7461",
        "A stored model cannot be read",
        "The folder of a model is incomplete or damaged.",
        _STORED,
        "Train the model again, or restore its folder from the registry.",
    ),
)


def _together(*groups: Iterable[Code]) -> Mapping[str, Code]:
    return MappingProxyType({each.code: each for each in sorted(chain(*groups))})


CODES: Mapping[str, Code] = _together(
    _FAMILIES,
    AGREEMENT_CODES.values(),
    _THIN,
    _RELEASE,
    _STORE,
    CONTRACT_CODES.values(),
    CUSTODY_CODES.values(),
    INTRUDER_CODES.values(),
    LINKAGE_CODES.values(),
    MITIGATION_CODES.values(),
    MONITORING_CODES.values(),
    PACK_CODES.values(),
    AUDIT_CODES.values(),
    PRIVACY_CODES.values(),
    RELEASE_CODES.values(),
    ROBUSTNESS_CODES.values(),
    SIGNOFF_CODES.values(),
    STUDY_CODES.values(),
)
"""code -> its page, in the order of the codes"""
