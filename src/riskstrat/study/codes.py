"""What each refusal of a config file means (RS12xx), how it is found, and what to do."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from riskstrat.vocabulary import Code

_READ = "The file is read as UTF-8 text, then as plain YAML, then against the keys it may have."
_NAMED = "Every name in a study file is looked up in the catalogue before any data are read."
_PARSED = (
    "Expressions are read by a grammar of their own and checked against the columns and types of "
    "the contract; nothing else can be said in them."
)
_PLANNED = "The features are planned, column by column, before any data are read."
_TEXT = "Correct the expression at the place the message shows."

_TEXTS = (
    (
        "RS1200",
        "A config file cannot be understood",
        "A study, source, agreement or codelist says something riskstrat does not know.",
        _READ,
        "Read the message: it names the file, the line and the key.",
    ),
    (
        "RS1201",
        "The config file is not there",
        "The path of the study file does not name a readable file.",
        "The file is opened; names in the same folder that look alike are offered.",
        "Correct the path.",
    ),
    (
        "RS1202",
        "The file is not plain YAML",
        "The file breaks the rules of YAML, repeats a key, uses anchors, aliases or tags, is not "
        "UTF-8, or is too large or too deeply nested for a config file.",
        _READ,
        "Correct the line the message names; quote texts that begin with &, * or !.",
    ),
    (
        "RS1203",
        "Keys or values do not fit",
        "A key is unknown or missing, or a value has another form than its key needs.",
        _READ + " Every fault of the file is listed at once.",
        "Correct each line listed. `riskstrat schema` writes schemas that editors use to complete "
        "and check these files.",
    ),
    (
        "RS1204",
        "An override cannot be applied",
        "`--set path.to.key=value` names a place that does not exist.",
        "The path is followed through the study file; a number picks an item of a list, from 0.",
        "Correct the path, as in `--set training.tune.trials=40`.",
    ),
    (
        "RS1205",
        "No catalogue beside the study",
        "There is no folder `sources` or `agreements` beside the study file or one level above it.",
        "The folder of the study and its parent are looked at.",
        "Keep studies in `configs/studies`, next to `configs/sources`.",
    ),
    (
        "RS1210",
        "An expression cannot be read",
        "The text of a `who`, `where` or `from` is not an expression: something is missing, left "
        "over, or not allowed (subqueries, comments, several statements).",
        _PARSED,
        _TEXT,
    ),
    (
        "RS1211",
        "Unknown column in an expression",
        "The expression names a column that its source does not have, or a name that is unknown "
        "or ambiguous where it stands.",
        _PARSED,
        "Use the spelling of the contract, or write `source.column`.",
    ),
    (
        "RS1212",
        "Function not allowed",
        "The expression calls a function outside the allow-list, or with too many or few values.",
        _PARSED,
        "Use one of the functions the message lists.",
    ),
    (
        "RS1213",
        "Types do not fit",
        "The expression compares or computes with values of different types, or gives another "
        "type than is needed.",
        _PARSED,
        "Bring both sides to one type: quote texts, write dates as '2024-04-01', or use "
        "to_integer, to_number, to_text or to_date.",
    ),
    (
        "RS1214",
        "Unknown codelist or group",
        "The expression names a codelist, or a group of one, that is not under `codelists`.",
        _PARSED,
        "Use the file name of the codelist without `.csv`, or add the list.",
    ),
    (
        "RS1215",
        "The expression is too large",
        "The expression is too long or nested too deeply to be checked by a person.",
        "At most 4,000 characters, 40 brackets within brackets, 100 steps deep.",
        "Move lists of codes into a codelist, or derive a column in the contract.",
    ),
    (
        "RS1216",
        "A value the column never holds",
        "The expression compares a column with a code that the contract does not list, so the "
        "condition could never be met.",
        "Literals compared with a column are looked up among its `codes`.",
        "Use one of the codes, or add the code to the contract.",
    ),
    (
        "RS1221",
        "Population or deaths are not clear",
        "No source, or more than one, could be where the units or their deaths come from.",
        "Contracts with `population`, or with `status: death`, about the study's unit are counted.",
        "Name the source as `population` or `deaths` under `cohort`.",
    ),
    (
        "RS1222",
        "Unknown source, or one about another unit",
        "The study names a source that is not in the catalogue, or whose rows are about another "
        "unit than the study needs there.",
        _NAMED,
        "Use the name of a file under `sources`.",
    ),
    (
        "RS1223",
        "The outcome's event is about another unit",
        "The rows of the outcome's source are not about the study's unit.",
        _NAMED,
        "Choose a source keyed by the study's unit as `event` under `outcome`.",
    ),
    (
        "RS1230",
        "Unknown attribute",
        "A group, fold, cluster, baseline, list or features block names an attribute that no "
        "source about the unit, or reached from it, has.",
        "Bare names are looked for in sources of attributes and spells: about the unit itself "
        "first, then through relations. Sources of events must be named: `source.column`.",
        "Use the spelling of the contract.",
    ),
    (
        "RS1231",
        "Ambiguous attribute",
        "Several sources have a column of that name.",
        "Bare names are looked for in sources of attributes and spells.",
        "Write `source.column`.",
    ),
    (
        "RS1232",
        "No relation to follow",
        "The study needs the household, area ... of its units, and no source says which it is; or "
        "a block asks for one value of many.",
        "Contracts of spells with `relates` about the study's unit are looked at.",
        "Add `relates` to the contract that knows, or leave `through` out.",
    ),
    (
        "RS1233",
        "No date of birth",
        "The study uses ages, and no source, or more than one, holds dates of birth.",
        "Contracts with `born_on` about the study's unit are counted.",
        "Declare `born_on` in one contract.",
    ),
    (
        "RS1234",
        "No source of deaths",
        "Deaths count as events of the outcome, but no source holds deaths.",
        "Contracts with `status: death` about the study's unit are looked for.",
        "Add `status: death` to the contract of deaths, or use `on_death: excluded`.",
    ),
    (
        "RS1235",
        "The published score is not a feature",
        "A learner `existing_score` names a column that no features block reads.",
        "The column is looked for among the attributes of the features blocks.",
        "List it under `attributes` of a block.",
    ),
    (
        "RS1236",
        "No group can be formed",
        "An attribute under `audit.groups` has too many values, or a reference is not one of its "
        "levels.",
        "Groups need a text, yes or no, or a column with `codes`.",
        "Use `age_band` for ages; name an attribute with codes.",
    ),
    (
        "RS1237",
        "A gate cannot be computed",
        "A gate names a metric, group or capacity that the run does not measure.",
        "Gates are held against the known metrics, `audit.groups` and `audit.capacity`.",
        "Use one of those the message lists.",
    ),
    (
        "RS1238",
        "The sign of need is not a feature",
        "`audit.need` names a feature that the study does not make.",
        "The name is looked for among the study's features.",
        "Name a feature as the feature dictionary does, such as `prescriptions__count__365d`.",
    ),
    (
        "RS1240",
        "Two features of one name",
        "Two blocks would make features of the same name.",
        _PLANNED,
        "Give one of the blocks a `name` of its own.",
    ),
    (
        "RS1241",
        "A block and its source do not fit",
        "A features block reads a source about another unit, or goes through a unit that does not "
        "lead to it.",
        _PLANNED,
        "Set `through` to the unit of the source, or leave it out.",
    ),
    (
        "RS1242",
        "A column cannot be aggregated",
        "An aggregate names a column the source lacks, or one that is not a number.",
        _PLANNED,
        "Choose a number, or use `distinct(...)`.",
    ),
    (
        "RS1243",
        "A block cannot be split",
        "`by` names a column without codes, or a codelist that does not exist.",
        _PLANNED,
        "List the codes in the contract, or split by a codelist.",
    ),
    (
        "RS1244",
        "`open` needs spells",
        "The aggregate `open` asks whether a spell is open on the day, and the source has none.",
        _PLANNED,
        "Use `count` or `any`.",
    ),
    (
        "RS1245",
        "An attribute cannot be a feature",
        "A feature is a number, yes or no, or a category with known codes.",
        _PLANNED,
        "List the codes in the contract, or leave the attribute out.",
    ),
    (
        "RS1247",
        "A feature would see how a spell ends",
        "A features block over spells names the column of their end, or of when the end was known.",
        "A spell counts from the day it began and tells its end only later, so `where`, `by` and "
        "aggregates may not name it.",
        "Use the aggregate `open`, which counts the spells not known to have ended.",
    ),
    (
        "RS1248",
        "A block would read the rows of most of the population",
        "A features block goes through an area, a practice ... to the rows of everyone who belongs "
        "to it.",
        "Rows of others are laid beside each unit: few for a household or a property, but not "
        "for anything larger.",
        "Go through the household, or bring a source whose rows are about each area.",
    ),
    (
        "RS1250",
        "File name and name differ",
        "A source or agreement has another name inside than its file.",
        "The file's name without `.yaml` is compared with `source` or `agreement`.",
        "Give both the same name.",
    ),
    (
        "RS1251",
        "A codelist cannot be read",
        "The file is not a CSV file with the header `code,label` or `code,label,group`, or holds a "
        "code twice.",
        "Every line is read; codes are compared exactly.",
        "Correct the line the message names.",
    ),
    (
        "RS1252",
        "A source without its agreement",
        "The contract of a source names a sharing agreement that is not under `agreements`.",
        "Agreements are looked up by name when the catalogue is read.",
        "Correct `agreement` in the contract, or add the agreement.",
    ),
    (
        "RS1253",
        "A source pack cannot be used",
        "The folder a study names under `packs` holds no pack, a pack of another name, or not the "
        "source asked for; or two packs hold a source of the same name.",
        "A pack is looked for in `sources/<name>` or under its `path`, from the config folder on.",
        "Use the pack's own name as key, give its folder as `path`, and choose under `sources`.",
    ),
    (
        "RS1261",
        "The model's features are missing",
        "The table to score lacks features that the model was trained on.",
        "Names are compared with those stored with the model.",
        "Score with the features of the study that trained the model, or train again.",
    ),
    (
        "RS1262",
        "A feature has another type",
        "A column of the table to score has another type than the model was trained on.",
        "Types are compared with those stored with the model.",
        "Score with the features of the study that trained the model, or train again.",
    ),
    (
        "RS1263",
        "Not an attribute of the units",
        "Folds, clusters or baselines name something that is not known of the units.",
        _NAMED,
        "Use `unit`, a related unit, or an attribute of a source.",
    ),
    (
        "RS1264",
        "Tables of different cohorts",
        "Features, groups and outcomes are not about the same units and dates.",
        "Units and dates are compared, row by row.",
        "Build the features again from this cohort.",
    ),
    (
        "RS1265",
        "A parameter that may not be set",
        "`training.parameters` sets something that probabilities, repeatability or privacy rest "
        "on, or that the learner does not know.",
        "Parameters are compared with those a study may fix.",
        "Take it out of `training.parameters`.",
    ),
    (
        "RS1266",
        "The published score cannot be used",
        "A published score is not a numeric feature, is always missing, or shares its name with "
        "another learner.",
        "The feature is looked up by name.",
        "Add it to `features`, and name each learner once.",
    ),
    (
        "RS1267",
        "A baseline's attributes do not fit",
        "`age_sex` reads two attributes, `prior_use` one, and `base_rate` none.",
        "The attributes under `training.baselines` are counted.",
        "Write `{age_sex: [age, sex]}`, `{prior_use: [count]}`, or the name alone.",
    ),
    (
        "RS1270",
        "Unknown disclosure policy",
        "`disclosure` names a policy that riskstrat does not have.",
        "Policies are looked up by name.",
        "Choose one of those the message lists.",
    ),
    (
        "RS1271",
        "A column the list may not hold",
        "A recipient asks for a column that lists of its kind never hold, or that is unknown.",
        "Columns are compared with those of the kind of list and the study's attributes.",
        "Choose from those the message lists.",
    ),
    (
        "RS1272",
        "Unknown dimension of a table",
        "A recipient's table is broken down by something that is not an attribute of the study.",
        _NAMED,
        "Choose from those the message lists.",
    ),
    (
        "RS1290",
        "The study changed since the model was trained",
        "Features of the registered model mean something else in the study file as it is now.",
        "The digest of every feature is compared with the one stored with the model.",
        "Score with the study file as it was then, or run the study again.",
    ),
)

STUDY_CODES: Mapping[str, Code] = MappingProxyType({text[0]: Code(*text) for text in _TEXTS})
