"""What each refusal of sign-off means, how it is found, and what to do."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from riskstrat.vocabulary import Code

_USE = "The log is read and its chain proved; then every byte that was signed is read again."
_TABLE = "One table says who may do what in which state; see docs/sign-off.md."

_TO_USE = (
    Code(
        "RS3300",
        "Sign-off",
        "A decision about a model, or a use that rests on one, is not allowed.",
        _TABLE,
        "Read the message: it says where the version stands.",
    ),
    Code(
        "RS3301",
        "Never submitted",
        "Nobody submitted this version for sign-off, so nobody approved it. Passing its gates "
        "makes it a challenger, no more.",
        _USE,
        "`riskstrat submit STUDY VERSION --by NAME`; two others review it. `riskstrat score "
        "--research` scores all the same, into a folder of its own and marked not for use.",
    ),
    Code(
        "RS3302",
        "Waiting for its reviewers",
        "The version was submitted, and fewer than two reviewers have decided.",
        _USE,
        "`riskstrat review` without a name lists what awaits whom.",
    ),
    Code(
        "RS3303",
        "Rejected",
        "At least one of the two reviewers rejected the version.",
        _USE,
        "Read the reasons in the log. What they object to has to change.",
    ),
    Code(
        "RS3304",
        "Withdrawn",
        "Its author or a reviewer took the submission, or the approval, back.",
        _USE,
        "Read the reason in the log, and submit it again.",
    ),
    Code(
        "RS3305",
        "Expired",
        "An approval holds for 12 months, or for as long as `signoff.valid_for` of the study says "
        "if that is less. Its last day is over.",
        "The day that the command runs on is held against the last day.",
        "Submit it again: what was right a year ago is looked at anew. Or submit a newer version.",
    ),
    Code(
        "RS3306",
        "Void: something that was signed has changed",
        "A sign-off is bound to digests of the model's files, the study, its agreements, "
        "contracts and codelists, the fingerprints of the extracts it was trained on, report, "
        "audit, riskstrat's own code, and the lock file with the installed libraries. At least one "
        "of them is not what it was.",
        "All are read again whenever somebody reviews, votes or scores.",
        "The message names what changed. Put it back, and the sign-off holds again; or submit what "
        "is there now.",
    ),
    Code(
        "RS3307",
        "Another study than the one that was signed",
        "The study file given, with its overrides, is not the one the model was approved with. "
        "Comments and the order of keys do not count; every default does.",
        "The digest of the study's text, with everything written out, is compared.",
        "Score with the study as it was, without `--set`; or run and submit what you have now.",
    ),
    Code(
        "RS3308",
        "Another agreement, contract or codelist than was signed",
        "What a sharing agreement grants, what a source's contract says and what a codelist holds "
        "decide who is on a list and what may be shown of it, so the approval is of them, too. Any "
        "change counts, also a later last day.",
        "The digests that the run kept are compared with those of what is there when scoring.",
        "The message names what changed. Put it back; or run the study again and submit what comes "
        "of it.",
    ),
)

_TO_DECIDE = (
    Code(
        "RS3310",
        "Gates did not pass",
        "A version whose gates failed, lacked evidence, or were never set, is put before reviewers "
        "only knowingly.",
        "The verdict registered with the version is looked at.",
        "Train one that passes. Or `--despite-gates REASON`: reviewers have one more question to "
        "answer, and the reason stands on every list.",
    ),
    Code(
        "RS3311",
        "Submitted already",
        "The version is before its reviewers, or approved.",
        _TABLE,
        "Wait, or `riskstrat withdraw`, and submit it again.",
    ),
    Code(
        "RS3312",
        "Nothing to show a reviewer",
        "The folder of the run that made the version is gone, incomplete or of an older riskstrat.",
        "Report, audit and what a reviewer is shown are looked for in the run's folder.",
        "Run the study again.",
    ),
    Code(
        "RS3313",
        "The pack for the board is not whole",
        "A document of the pack is gone, or a file lies among them that the run did not write.",
        "The pack's own list of documents and the run's manifest are held against the folder.",
        "Make it anew with `riskstrat pack RUN`, then submit.",
    ),
    Code(
        "RS3314",
        "Report and pack are signed",
        "The run is before its reviewers or approved. Its report and pack are among the bytes they "
        "sign, so making them anew would void the decision.",
        "The log tells which versions a run gave, and how far each has come.",
        "Give the answers, fit the glass box and try remedies before the version is submitted; or "
        "withdraw it, make report and pack anew, and submit it again.",
    ),
    Code(
        "RS3315",
        "The run's gates are not those that the log tells of",
        "Each run writes the digest of its gates into the log. The file in its folder has another, "
        "or the log knows of none: the run is of an older riskstrat, or was copied here.",
        "The digest of audit/gates.json is compared with every entry of the run in the log.",
        "Put the run's folder back from a copy; or remove it and run the study again.",
    ),
    Code(
        "RS3320",
        "The author does not review",
        "Who submitted a version, or ran the study that made it, has no vote on it.",
        "Names are compared without case, blanks and full stops; who ran it is in the log.",
        "Have two others review it.",
    ),
    Code(
        "RS3321",
        "One vote each",
        "This reviewer has voted on this submission.",
        "Names are compared without case, blanks and full stops.",
        "A second reviewer decides with the first.",
    ),
    Code(
        "RS3322",
        "The review was not opened",
        "A vote is for what somebody looked at.",
        "The log knows who opened the review of this submission.",
        "`riskstrat review STUDY VERSION --by NAME`, then vote.",
    ),
    Code(
        "RS3323",
        "A reason or answer that the log cannot hold",
        "Every submission despite gates, vote and withdrawal has a reason, in words and short "
        "enough to be read. It is kept in the log, so it names no resident.",
        "Length, printable characters, and what looks like an NHS number, postcode or pseudonym.",
        "Say why in up to 1,000 characters, or where it is minuted.",
    ),
    Code(
        "RS3324",
        "No votes are taken",
        "Both votes are in, or the matter is decided.",
        _TABLE,
        "`riskstrat review STUDY VERSION` shows where it stands.",
    ),
    Code(
        "RS3325",
        "Sealed",
        "Neither vote is opened before both are in: nobody votes knowing how the other did.",
        _TABLE,
        "Wait for the second reviewer.",
    ),
    Code(
        "RS3326",
        "Nobody is named",
        "`--by` holds no name that a log can keep.",
        "It needs letters and at most 80 printable characters.",
        "Give the name of whoever acts.",
    ),
    Code(
        "RS3327",
        "No account that may do this",
        "There is a file of accounts, and it knows no active account of this user with a role that "
        "submits (data_scientist) or reviews (information_governance, gp, caseworker); or the "
        "account names another login of the operating system than the one that runs the command.",
        "`accounts.yaml` in the store is always asked; `--accounts` or RISKSTRAT_ACCOUNTS as well.",
        "Have the account entered or extended by whoever keeps the accounts.",
    ),
    Code(
        "RS3328",
        "Not theirs to withdraw",
        "A submission is taken back by its author, or by a reviewer who has voted on it.",
        _TABLE,
        "Ask one of them.",
    ),
    Code(
        "RS3329",
        "Nothing to withdraw",
        "The version was never submitted, or is rejected, withdrawn or expired.",
        _TABLE,
        "`riskstrat review STUDY VERSION` shows where it stands.",
    ),
    Code(
        "RS3330",
        "A sealed vote is broken",
        "A vote that is not open yet is gone, unreadable, or not the one whose salted digest "
        "is in the log.",
        "The digest of what is in the file is compared with the log's.",
        "Put the folder `signoff` of the store back from a copy, or withdraw and vote again.",
    ),
    Code(
        "RS3331",
        "The log's record of a sign-off does not hold",
        "An entry tells what cannot be: an opened vote that was not sealed so, a third vote, a "
        "submission that nobody made.",
        "Each entry is held against those before it.",
        "Compare the log with a copy kept elsewhere.",
    ),
    Code(
        "RS3332",
        "No such question",
        "An answer is given to a question that nobody asked.",
        "`--answer NAME=TEXT` is held against the questions of the review.",
        "`riskstrat review STUDY VERSION` lists them.",
    ),
    Code(
        "RS3333",
        "Questions not answered",
        "Who approves says why it is right to, in answer to questions that no figure settles. Who "
        "rejects need not.",
        "The answers given at the review and with the vote are counted.",
        "`--answer NAME='...'`, with `riskstrat review` or `riskstrat approve`.",
    ),
    Code(
        "RS3334",
        "A reason that counts people",
        "What a reviewer, or who submits, gives as the reason is printed with every list. It "
        "tells a count of people that the study's disclosure policy would not show.",
        "It is read as the files of a release are.",
        "Say it without the count, or with one that the policy shows (`about 40 people`).",
    ),
    Code(
        "RS3335",
        "One login, two people",
        "The store has accounts, which know names and roles and not who typed them. The login of "
        "the operating system that votes has run the study, submitted it, or given the other vote.",
        "The login of each act is in the log. It is not asked of an identity that a sign-on "
        "service proved, nor of an account that names this very login.",
        "Vote under a login of your own; or have `login` entered in your account.",
    ),
    Code(
        "RS3340",
        "A list without a standing",
        "A list was to be written that says neither that it is approved nor that it may not be "
        "used; or under an approval of another model.",
        "Writers of lists take nothing else than a stamped table.",
        "Report it with the lines above the message; they hold no row values.",
    ),
)

SIGNOFF_CODES: Mapping[str, Code] = MappingProxyType(
    {each.code: each for each in (*_TO_USE, *_TO_DECIDE)}
)
