"""What each refusal of custody means, how it is found, and what to do."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from riskstrat.vocabulary import Code

_HEADER = "Every file carries its project, agency, hand-over and key ids in its Parquet metadata."
_STORE = "The key is asked for in the store that the custody file names."
_REGISTER = "The register beside the keys knows every key that was made, and never a key itself."
_GATEWAY = "The gateway asks this at every request, after the request is in the log."

_HAND_OVERS = (
    Code(
        "RS1600",
        "Custody",
        "Identifiers, keys and content cannot be kept apart as asked.",
        "Provider, linker, analyst and gateway each hold a part; see docs/custody.md.",
        "Read the message: it says who lacks what.",
    ),
    Code(
        "RS1601",
        "A file of a hand-over cannot be read",
        "An extract or a file of a hand-over is missing, is no Parquet file, or lacks a column.",
        "Files and columns named in the custody file are looked for.",
        "Put the file there, or correct the custody file.",
    ),
    Code(
        "RS1602",
        "Rows that name nobody",
        "Rows of an extract name a local id that the agency's index lacks, so nobody could be "
        "told apart or linked.",
        "The ids of every row are looked up in the index.",
        "Ask for an index of the same day, or tolerate a share with `unindexed`; such rows are "
        "left out and counted.",
    ),
    Code(
        "RS1603",
        "An index that is not clear",
        "Ids of an index are empty or appear twice.",
        "Ids are counted, all and different ones.",
        "Ask the agency for one row for each id.",
    ),
    Code(
        "RS1604",
        "Content with identifiers",
        "A contract asks for a column that is an identifier; no analyst may hold one.",
        "Columns are compared with the identifiers a linker may be told.",
        "Take the column out of the contract; a linker gets it from the index.",
    ),
    Code(
        "RS1605",
        "No contract for an extract",
        "An extract has no contract, so nothing says which of its columns may leave the agency.",
        "Contracts are looked for in `sources/`, beside the folder of the custody file.",
        "Write the contract, or leave the extract out of the custody file.",
    ),
    Code(
        "RS1610",
        "A file or key of another hand-over",
        "A file belongs to another project, agency or key than the custody file names. Pseudonyms "
        "of two projects or two keys must never be mixed.",
        _HEADER,
        "Split and link again under the keys named, or correct the custody file.",
    ),
    Code(
        "RS1611",
        "A file without a header",
        "A file of a hand-over was not made by riskstrat, or its header was lost.",
        _HEADER,
        "Bring the file as it was made; other programs drop the header when they write it again.",
    ),
    Code(
        "RS1612",
        "Record keys used before",
        "Record keys repeat, were in an earlier hand-over, or are none. Rows of two people could "
        "become one.",
        "A record key is 128 random bits, valid for one record and one hand-over.",
        "Split the agency's extracts again.",
    ),
    Code(
        "RS1613",
        "Content and links that do not fit",
        "A record key of the content has no link, or several, or the links answer another "
        "hand-over.",
        "Every row's record key is looked up; each must have exactly one link.",
        "Split and link again, and bring both.",
    ),
    Code(
        "RS1614",
        "Nothing was received",
        "What the one before should have handed over is not there, or not all of it.",
        "The folder `received` is looked through, and on one machine what lies ready to be moved.",
        "Run the step before, and carry its files here.",
    ),
    Code(
        "RS1615",
        "Linkage left records without one entity",
        "The linkage engine gave some records no entity, or several.",
        "Records and links are counted against each other.",
        "Report it with the counts: they hold no row values.",
    ),
    Code(
        "RS1616",
        "Extracts under different keys",
        "Extracts in the data folder are under other keys than those that come now; nobody would "
        "be the same person in both.",
        _HEADER,
        "Have every agency hand over again after a rotation, or use another data folder.",
    ),
    Code(
        "RS1617",
        "A truth that fits no record",
        "What is said to be true names records that were not handed over, names one twice, or "
        "lacks who a record is about.",
        "The record keys of the truth are compared with those of the linker's records.",
        "Review a sample of the linker's records as they are now; record keys are new at every "
        "hand-over.",
    ),
)

_KEYS = (
    Code(
        "RS1620",
        "A key that others may open",
        "A key file, or its folder, can be opened by others, or belongs to another user.",
        "The rights of the open file must be 0600, those of its folder 0700.",
        "Take the rights away; if others could have read the key, rotate it.",
    ),
    Code(
        "RS1621",
        "No such key",
        "The custody file names a key that was never made.",
        _REGISTER,
        "`riskstrat pseudonymise keys new CUSTODY_FILE` makes it.",
    ),
    Code(
        "RS1622",
        "A key is lost",
        "The register knows the key, and its store has it no more.",
        _REGISTER,
        "Put it back from escrow. Without it, a new key is needed and every extract has to be "
        "handed over again.",
    ),
    Code(
        "RS1623",
        "A key was rotated",
        "Another key has taken this one's place.",
        _REGISTER,
        "Name the new key in the custody file, and split, link and join again.",
    ),
    Code(
        "RS1624",
        "A key was destroyed",
        "The key is gone for good, and with it what tied its pseudonyms to people.",
        _REGISTER,
        "Its certificate says when, by whom and why. A new project needs a new key.",
    ),
    Code(
        "RS1625",
        "A key cannot be had",
        "A key's file, variable or command gives no key of at least 256 bits in hex digits.",
        _STORE,
        "Read the message: it says what was found. What a vault's command says is never shown.",
    ),
    Code(
        "RS1626",
        "Another key under its name",
        "The store gives a key, and not the one that was registered under this id.",
        "The register keeps a check value: the first 64 bits of the key's HMAC of a fixed text.",
        "Have the store give the right key; pseudonyms under another fit nothing that exists.",
    ),
    Code(
        "RS1627",
        "A key of that id exists",
        "A new key was to have the id of one that exists or existed.",
        _REGISTER,
        "Give it another id. Keys are never overwritten, and ids never used again.",
    ),
    Code(
        "RS1628",
        "A key that is still there",
        "A key was to be certified as destroyed, and its vault still gives it.",
        _STORE,
        "Destroy it in the vault first, then ask for the certificate again.",
    ),
    Code(
        "RS1629",
        "The register of keys is damaged",
        "The file that knows which keys there are cannot be read.",
        _REGISTER,
        "Put it back from a copy.",
    ),
)

_REIDENTIFICATION = (
    Code(
        "RS1640",
        "A reason that cannot be kept",
        "Who asks for a person's name must say why, in words that name nobody: they are logged.",
        "A reason has 1 to 200 characters and nothing like a number, postcode or pseudonym.",
        "Say in a few words why the person has to be known.",
    ),
    Code(
        "RS1641",
        "No such account",
        "Nobody of that name has an active account with this role and organisation.",
        _GATEWAY,
        "Have the account entered or extended by whoever keeps the accounts.",
    ),
    Code(
        "RS1642",
        "A role that never learns names",
        "Only who gives direct care may learn who a pseudonym is: never an analyst, commissioner, "
        "board, police, supplier or provider, whatever a config file says.",
        _GATEWAY,
        "Work with the pseudonym.",
    ),
    Code(
        "RS1643",
        "Not this organisation's patient",
        "The organisation was not known to look after the person on the day. The answer is the "
        "same where nobody has the pseudonym.",
        "The spell open on the morning of the day, as it was known then, of the register that the "
        "custody file names for the role.",
        "Ask again when the person is registered and the register says so.",
    ),
    Code(
        "RS1644",
        "Too many requests",
        "The user has made more requests than the limits allow.",
        "Requests of the last hour and the last 24 hours are counted in the log, refused ones too.",
        "Wait, or have the limits reviewed.",
    ),
    Code(
        "RS1645",
        "The person objects",
        "The person has opted out, so nobody may follow up a list with them on it.",
        "Opt-outs are looked up again at every request.",
        "Leave them off the list. Care they ask for is not affected.",
    ),
    Code(
        "RS1646",
        "No identifiers to give",
        "The linker holds tokens of the person, or no entity table under the key in use.",
        _GATEWAY,
        "Ask the agency that sent the tokens, or link first.",
    ),
    Code(
        "RS1647",
        "Accounts anybody may change",
        "Everybody may write to the accounts file, so it proves nothing.",
        "The rights of the file are looked at.",
        "Take the right away, and look through the file.",
    ),
    Code(
        "RS1648",
        "No list of opt-outs",
        "The gateway cannot know who objects, so it tells nobody.",
        _GATEWAY,
        "Put the list there, or say in the custody file that no opt-out binds.",
    ),
)

CUSTODY_CODES: Mapping[str, Code] = MappingProxyType(
    {code.code: code for code in (*_HAND_OVERS, *_KEYS, *_REIDENTIFICATION)}
)
