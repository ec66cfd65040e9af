"""What each success of the intruder means, how it is found, and what to do."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from riskstrat.vocabulary import Code

_PROOF = "A match of 64 bits or more is its own proof: chance does not give one."
_OWNER = "The judge, who may read what no recipient has, says whose row it is."

_CODES = (
    Code(
        "RS3100",
        "The intruder succeeded",
        "Somebody with our outputs and what the public knows found out what they must not.",
        "Attacks on pseudonyms, releases, tokens and files are made, and their claims judged.",
        "Let nothing leave until each attack finds nothing; the report says which one did.",
    ),
    Code(
        "RS3101",
        "Pseudonyms that can be guessed",
        "Identifiers that were tried in turn gave pseudonyms of ours, so whoever has them knows "
        "whose they are. A hash of an NHS number without a secret key is undone in minutes.",
        "Numbers and known people's identifiers are hashed in the usual ways, without a key and "
        "with keys that are easily guessed, and compared with the pseudonyms. " + _PROOF,
        "Make them again with `riskstrat pseudonymise`, under a key of 256 random bits.",
    ),
    Code(
        "RS3102",
        "Release ids that can be worked out",
        "The ids of a pseudonymised list follow from pseudonyms and things that are no secret, so "
        "anybody with two lists can join them.",
        "Ids are computed from known pseudonyms with the public rule, the published study and no "
        "secret. " + _PROOF,
        "Make releases with a secret key that no recipient has.",
    ),
    Code(
        "RS3103",
        "A group that is too small",
        "A row or cell of a release stands for fewer people than its policy lets be told apart, "
        "by attributes that anybody may know of a neighbour.",
        "Rows of a list that share what an outsider may know, and counts of a table, are compared "
        "with the threshold in the manifest.",
        "Withhold or coarsen the attribute, or take the row or cell out.",
    ),
    Code(
        "RS3104",
        "A group that is all alike",
        "All people of a group are on the list or in one band, so whoever knows that somebody "
        "belongs to the group knows that of them.",
        "Shares of 100% (and of nobody, where the policy hides that) among counts whose rounding "
        "leaves no doubt.",
        "Suppress the cell, or merge the group with another.",
    ),
    Code(
        "RS3105",
        "A suppressed count that can be worked out",
        "A count that the policy hides follows from those shown: from a total, or from the "
        "difference between two releases.",
        "What each hidden cell can be is bounded by the totals, and cells of releases with the "
        "same groups are subtracted; a claim needs exactly one possible value.",
        "Round, hide a second cell, or do not release both.",
    ),
    Code(
        "RS3110",
        "Found by what an acquaintance knows",
        "Somebody who knows a person's age band, sex, area or practice, and one or two things that "
        "happened to them, finds exactly their row of a list.",
        "A seeded sample of true people; their attributes and any one or two of their events are "
        "compared with every row. " + _OWNER,
        "Let combinations of attributes and reasons be shared by as many rows as the policy asks.",
    ),
    Code(
        "RS3111",
        "Ids that join",
        "The same id appears in two outputs that nobody may join: two releases, a release and the "
        "extracts, or the extracts of two projects.",
        "Ids are compared as sets.",
        "Give each release a key of its own, and each project keys of its own.",
    ),
    Code(
        "RS3112",
        "Rows that link two releases",
        "A row is told apart by what it shows, and the same person's row in another release too, "
        "so the two tell together what neither may tell.",
        "Rows that fit exactly one row of another list, by bands, attributes and reasons. "
        + _OWNER,
        "Let each row's whole content be shared by as many rows as the policy asks.",
    ),
    Code(
        "RS3120",
        "People found by how common their tokens are",
        "Tokens of identifiers are as common as the names and dates they stand for. Enough of them "
        "were guessed together to single people out.",
        "Tokens of each column are ranked, and paired with names, dates and places ranked by how "
        "common they are in public statistics. A person is found if all guesses about a record are "
        "right and no other record has the same.",
        "Put several identifiers into one token, and give each project a token key of its own.",
    ),
    Code(
        "RS3130",
        "Identifiers where none may be",
        "An NHS number, pupil number, property number, postcode, name or local id is in a file of "
        "the analyst, the store, a log or a release.",
        "Every file is read, also what is compressed in it, and compared with the identifiers the "
        "judge knows; where nobody knows them, with their shapes and check digits.",
        "Delete the file, find out what wrote it, and tell the data protection officer.",
    ),
    Code(
        "RS3131",
        "Keys where none may be",
        "A key, or a record key that ties content to identifiers, is in a file of the analyst, the "
        "store, a log or a release.",
        "Every file is searched for the keys in the keepers' folders in all usual ways to write "
        "them, and for the record keys the linker knows.",
        "Rotate the key, delete the file, and find out what wrote it.",
    ),
)

INTRUDER_CODES: Mapping[str, Code] = MappingProxyType({code.code: code for code in _CODES})
