"""What each refusal by a sharing agreement means, how it is found, and what to do."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from riskstrat.vocabulary import Code

_AGREED = "Each source's agreement is held against what the study reads, makes and hands out."

_CODES = (
    Code(
        "RS1100",
        "What the agreements allow",
        "As information: an agreement covers a source for this study. As an error: an agreement, "
        "purpose or legal basis does not allow what the study asks.",
        _AGREED,
        "Read the message: it names the clause that is missing.",
    ),
    Code(
        "RS1101",
        "Source not granted",
        "The agreement named in the contract does not cover this source.",
        _AGREED,
        "Leave the source out, or have it added under `sources` of the agreement.",
    ),
    Code(
        "RS1102",
        "Columns not granted",
        "The study reads columns that the agreement does not cover. Keys and dates count too.",
        "The columns the study reads are compared with those granted.",
        "Leave the columns out, or have the agreement extended.",
    ),
    Code(
        "RS1103",
        "Purpose not granted",
        "The agreement does not grant the study's purpose.",
        _AGREED,
        "Leave the source out, or have the purpose agreed.",
    ),
    Code(
        "RS1104",
        "Agreement not in force",
        "Today lies before the start or after the end of the agreement.",
        "`starts` and `ends` of the agreement, both days included, against today's date.",
        "Have it renewed; until then its data may not be used.",
    ),
    Code(
        "RS1105",
        "Recipient not allowed",
        "The study hands something to a body that an agreement does not name, not for this "
        "purpose, or not for a source that went into it. A score rests on every source behind it.",
        "Each released column is traced to its sources; each source's agreement must name the "
        "recipient, itself or by a sub-licence.",
        "Drop the recipient or the source, or have the agreement extended.",
    ),
    Code(
        "RS1106",
        "No legal basis",
        "The agreement does not name the articles of the UK GDPR relied on for a source.",
        "`legal_basis` of the agreement is looked at, source by source.",
        "Have the articles entered; they appear in the legal-basis matrix.",
    ),
    Code(
        "RS1107",
        "Agreement ends soon",
        "The agreement ends within 90 days; a later run will be refused.",
        "`ends` of the agreement against today's date.",
        "Have it renewed in time.",
    ),
    Code(
        "RS1108",
        "Purpose lock",
        "The source may be used for named purposes only, and the study's is none of them.",
        "`only_for` of the source in its agreement against the study's purpose.",
        "Leave the source out: a purpose lock is mostly set by law, as that on council-tax data.",
    ),
    Code(
        "RS1109",
        "Feature not granted",
        "The study makes features of a source in a way that the agreement does not grant.",
        "The aggregate of every feature is compared with `derive` of the source.",
        "Drop the aggregate from the block, or have it added to `derive`.",
    ),
    Code(
        "RS1110",
        "Unit not granted",
        "The agreement does not allow results about what the study is about.",
        "The study's `unit` against `units` of the agreement.",
        "Ask about a unit that is granted, or have the unit agreed.",
    ),
    Code(
        "RS1111",
        "Column not for this recipient",
        "A released column shows a column of a source that the recipient may not see.",
        "Each released column is traced to the columns that can be read off it; these must be "
        "under `sees` of the recipient. Reasons are left out of its list instead.",
        "Drop the column from what the recipient receives, or have it added to `sees`.",
    ),
    Code(
        "RS1112",
        "Rows not for this recipient",
        "The recipient may not have rows of this kind: its own patients, pseudonymised, or counts.",
        "`rows` of the recipient in the study against `rows` in the agreements.",
        "Give it rows of a kind that is allowed, or have the kind agreed.",
    ),
    Code(
        "RS1113",
        "Sub-licence expired",
        "A recipient's sub-licence had expired today, or will have on a day the study asks about.",
        "`expires` of the sub-licence, the day itself included.",
        "Have it renewed, or drop the recipient.",
    ),
    Code(
        "RS1114",
        "A day after the end",
        "The study judges or scores for a day after the agreement has ended.",
        "The latest as-of date and the day that is scored for against `ends`.",
        "Ask about earlier days, or have the agreement renewed.",
    ),
    Code(
        "RS1115",
        "Kept too long",
        "The extract is older than it may be kept.",
        "`retention_months` from the day to which the extract is complete (the latest `to` under "
        "`coverage`), against today's date.",
        "Delete the extract and ask for a new one, or have the retention agreed anew.",
    ),
    Code(
        "RS1116",
        "No list of opt-outs",
        "An agreement says that a kind of opt-out binds a source, and no source lists who opted "
        "out.",
        "The kinds that bind for the study's purpose, against the codes of `kind` in the contracts "
        "with `role: opt_outs`.",
        "Add the list, or leave the source out.",
    ),
    Code(
        "RS1117",
        "Opt-outs too old",
        "The list of opt-outs ends before the records, or before the day that is scored for.",
        "The latest `to` under `coverage` of the list, with 21 days' grace.",
        "Ask for a newer list, or score an earlier day.",
    ),
    Code(
        "RS1118",
        "Opt-outs used for something else",
        "A study asks something of a list of opt-outs.",
        "Every source that a study names is looked at.",
        "Take it out of the study; lists are read by themselves wherever opt-outs bind.",
    ),
    Code(
        "RS1119",
        "People who opted out",
        "How many people opted out and are left out. Their rows are not read by any stage.",
        "People with a spell in force on the last day of the list, of a kind that binds the study.",
        "Nothing. The count belongs in the log of opt-outs applied.",
    ),
)

AGREEMENT_CODES: Mapping[str, Code] = MappingProxyType({code.code: code for code in _CODES})
