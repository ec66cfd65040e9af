"""What each finding and refusal of linkage means, how it is computed, and what to do."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from riskstrat.vocabulary import Code

_CODES = (
    Code(
        "RS1300",
        "Records cannot be tied together",
        "Records of one source cannot be tied to people, households or areas.",
        "Unit ids are compared as text after the sources were accepted.",
        "Read the message: it names the source and the counts.",
    ),
    Code(
        "RS1301",
        "Units unknown to the population",
        "Rows of a source belong to units that the population source never names; no study sees "
        "them. Above half of the rows, the ids are taken to be made with another key.",
        "Share of accepted rows whose unit id is not among the population's.",
        "Ask whether both extracts were pseudonymised with the same key and in the same batch.",
    ),
    Code(
        "RS1302",
        "In two places at once",
        "Spells of one unit overlap, and the contract says `overlaps: refuse`.",
        "Spells of one unit by start; a spell overlaps if it starts before the one before it ends.",
        "Ask the agency to correct them, or set `overlaps: latest_start` in the contract.",
    ),
    Code(
        "RS1303",
        "Record keys are missing or reused",
        "A record key names one record of one hand-over. Used twice, it would join content to "
        "the wrong person, so nothing is linked.",
        "Record keys are counted before anything else is read.",
        "Have the agency split its extract again, and send both new files.",
    ),
    Code(
        "RS1304",
        "Nothing to link on",
        "The records hold none of the columns that the linkage file's fields name, or the file "
        "does not say how homes or tokens are made.",
        "Columns of the extract are held against `fields`, `homes` and `tokens`.",
        "Correct `fields` (each may name its `column`), or add the missing part.",
    ),
    Code(
        "RS1305",
        "The match model belongs to other comparisons",
        "Weights learnt for one set of fields and comparisons mean nothing for another.",
        "The model carries a digest of the fields, comparisons and levels that it was trained for.",
        "Train again by linking without a stored model, or restore the linkage file.",
    ),
    Code(
        "RS1306",
        "Nothing to learn the weights from",
        "No pair of records agrees on a training rule, or every training rule uses the same "
        "comparison, whose weights then cannot be learnt.",
        "Splink's expectation maximisation needs pairs in every session, and each comparison must "
        "be left free by one session.",
        "Choose other `training.rules`, train on an identifier with `training.labels`, or give a "
        "model trained elsewhere.",
    ),
    Code(
        "RS1307",
        "Splink could not carry out a step",
        "The probabilistic part of linkage failed inside Splink. Its message is not shown, for it "
        "may hold SQL and values.",
        "An exception of Splink while it trains or weighs pairs.",
        "Give more memory; check that every compared field is filled in some records.",
    ),
    Code(
        "RS1308",
        "Truth does not cover the links",
        "Precision and recall need the true person of every record they are about.",
        "Records without an entity or without a true person are counted.",
        "Evaluate exactly the records whose truth is known.",
    ),
    Code(
        "RS1309",
        "A file of the linkage cannot be used",
        "A file that the linkage file names is missing, cannot be read, or lacks a column.",
        "Files are opened and their columns compared before anything is linked.",
        "Correct the path or the column in the linkage file.",
    ),
    Code(
        "RS1310",
        "NHS numbers with a wrong check digit",
        "The number is no NHS number; it counts as missing.",
        "Modulus 11 over the first nine digits, weights 10 to 2 (NHS Data Dictionary).",
        "Ask the agency to correct them; each is a record that must be found by name instead.",
    ),
    Code(
        "RS1311",
        "NHS numbers that have not ten digits",
        "A digit is missing or too many, often lost in a spreadsheet; it counts as missing.",
        "Digits are counted after spaces and hyphens are removed.",
        "Ask for the column as text.",
    ),
    Code(
        "RS1312",
        "NHS numbers of one repeated digit",
        "Ten equal digits pass the check digit and are nobody's number; they count as missing.",
        "All ten digits are the same.",
        "Ask the agency to leave the number empty where it is not known.",
    ),
    Code(
        "RS1313",
        "UPNs that are not valid",
        "The pupil number counts as missing.",
        "A letter and twelve digits; the letter is the remainder modulo 23 of the digits weighted "
        "by their place (Department for Education).",
        "Ask the school system to correct them.",
    ),
    Code(
        "RS1314",
        "Temporary UPNs",
        "A temporary number is given anew by each school, so it links nothing; it is left out.",
        "The last of thirteen characters is a letter.",
        "Nothing; the pupil is found by name.",
    ),
    Code(
        "RS1315",
        "UPRNs that are not valid",
        "The property number counts as missing.",
        "One to twelve digits, not all zero; leading zeros do not count.",
        "Ask for the column as text, from the address gazetteer.",
    ),
    Code(
        "RS1316",
        "Placeholders in the place of names",
        "Words such as BABY, UNKNOWN or TEST say that no name is known; they count as missing.",
        "`unknowns.names` of the linkage file, after titles, digits and accents are removed.",
        "Add what your agencies write to `unknowns.names`.",
    ),
    Code(
        "RS1317",
        "Default dates of birth",
        "Dates such as 1900-01-01 say that the date is not known; they count as missing.",
        "`unknowns.dates` of the linkage file.",
        "Add what your systems write to `unknowns.dates`.",
    ),
    Code(
        "RS1318",
        "One date of birth held by too many records of an agency",
        "So many people are not born on one day: it is a default of that agency's system, and "
        "counts as missing there.",
        "`unknowns.same_date`: at least so many records and so large a share of an agency.",
        "Ask the agency what it writes for an unknown date of birth.",
    ),
    Code(
        "RS1319",
        "Dates of birth that no calendar has",
        "The date is no date, or its day and month cannot be right. As far as it has a year, a "
        "month and a day it is still compared, for a slip is still evidence.",
        "Read as year-month-day, day/month/year or eight digits.",
        "Ask the agency for dates as YYYY-MM-DD.",
    ),
    Code(
        "RS1320",
        "Postcodes that are not valid",
        "The postcode counts as missing.",
        "The form of a United Kingdom postcode, without looking it up.",
        "Ask the agency to correct them.",
    ),
    Code(
        "RS1321",
        "Addresses that say there is none",
        "No fixed abode, or a pseudo-postcode such as ZZ99 3VZ; they count as missing, or "
        "everybody without a home would share one.",
        "`unknowns.postcodes` of the linkage file, and the usual words for no fixed abode.",
        "Nothing; these people are found by name and date of birth.",
    ),
    Code(
        "RS1322",
        "Valid numbers of somebody else",
        "The number is right by its check digit, but name and date of birth both disagree with the "
        "records that the number belongs to. The record loses it and is looked for by name.",
        "`guard` of the identifier; the number belongs to the population's record, else to what "
        "most records say.",
        "Ask the agency to trace these records.",
    ),
    Code(
        "RS1323",
        "Homes that many share",
        "One number has so many doors behind it, or so many people and surnames, that it is a "
        "hostel or the like. All of them are one household, so what happens to one of them is "
        "among the others' household features.",
        "`homes.doors`, `homes.people` and `homes.surnames` of the linkage file, within one "
        "agency's addresses.",
        "Nothing; bear it in mind where a study has features `through: household`.",
    ),
    Code(
        "RS1324",
        "Property numbers of another home",
        "The number is valid, but neither postcode nor door agrees with the records it belongs to. "
        "The record loses it and is looked for by its address.",
        "`homes.guard` of the linkage file; the number belongs to what most records say.",
        "Ask the agencies to match these addresses against the gazetteer again.",
    ),
    Code(
        "RS1325",
        "Addresses that fit several homes",
        "An address without a number has a door behind which there are several homes; it is taken "
        "for none of them.",
        "Homes behind each key of `homes.keys`, counted where the number is known.",
        "Ask the agencies for property numbers.",
    ),
    Code(
        "RS1328",
        "Rare tokens are withheld",
        "A token that very few records share can single somebody out, so it was not handed over.",
        "`tokens.least` and `tokens.guarded` of the linkage file.",
        "Nothing, or a lower `least` if the agreement allows it.",
    ),
    Code(
        "RS1329",
        "The linkage key is too short",
        "Tokens under a short key could be guessed one by one.",
        "A key needs 16 bytes or more.",
        "Make a new linkage key and share it among the providers, never with the linker.",
    ),
)

LINKAGE_CODES: Mapping[str, Code] = MappingProxyType({code.code: code for code in _CODES})
