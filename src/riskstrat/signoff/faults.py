"""Sign-off says no: one family, and the words of each refusal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from riskstrat.errors import ReleaseRefused, StorageError


class SignoffRefused(ReleaseRefused):
    """A decision, or a use that rests on one, is not allowed."""

    default_code = "RS3300"


_SUBMIT = "`riskstrat submit {model} {version} --by NAME`"
_WORDS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "RS3301": (
            "{model} version {version} was never submitted for sign-off",
            f"submit it: {_SUBMIT}; two others then review it",
        ),
        "RS3302": (
            "{model} version {version} waits for its reviewers: {why}",
            "two reviewers vote with `riskstrat review {model} {version} --by NAME`, then "
            "`riskstrat approve` or `reject`; votes of which both are in and not yet open are "
            "opened by `riskstrat review` of those who gave them",
        ),
        "RS3303": (
            "{model} version {version} was rejected{why}",
            f"read the reasons in `riskstrat log`; train another version, or {_SUBMIT} once what "
            "they object to has changed",
        ),
        "RS3304": (
            "the sign-off of {model} version {version} was withdrawn{why}",
            f"read the reason in `riskstrat log`, and submit it again: {_SUBMIT}",
        ),
        "RS3305": (
            "the sign-off of {model} version {version} has expired{why}",
            f"submit it again, or a newer version: {_SUBMIT}",
        ),
        "RS3306": (
            "the sign-off of {model} version {version} is void, for something it is bound to "
            "changed: {why}",
            f"put back what was signed, or have what is there now reviewed: {_SUBMIT}",
        ),
        "RS3311": (
            "{model} version {version} is submitted already: {why}",
            "wait for its reviewers, or withdraw it first: `riskstrat withdraw {model} {version} "
            "--by NAME --reason WHY`",
        ),
        "RS3320": (
            "the author of {model} version {version} does not review it: who submitted it or ran "
            "the study has no vote",
            "have two others review it",
        ),
        "RS3321": (
            "this reviewer has voted on {model} version {version} already",
            "one vote each: a second reviewer decides with the first; `riskstrat withdraw` takes "
            "the submission back",
        ),
        "RS3322": (
            "this reviewer has not opened the review of {model} version {version}",
            "look at what would be signed: `riskstrat review {model} {version} --by NAME`",
        ),
        "RS3324": (
            "{model} version {version} takes no votes: {why}",
            "look at it with `riskstrat review {model} {version}`",
        ),
        "RS3325": (
            "the votes on {model} version {version} are sealed until both are in",
            "wait for the second reviewer",
        ),
        "RS3328": (
            "only its author, or a reviewer who has voted, can withdraw {model} version {version}",
            "ask one of them",
        ),
        "RS3329": (
            "there is nothing to withdraw of {model} version {version}: {why}",
            "look at it with `riskstrat review {model} {version}`",
        ),
    }
)  # fmt: skip
"""code -> what is said, and what to do"""


def refusal(code: str, model: str, version: int, why: str = "") -> SignoffRefused:
    """The refusal of a code, about a version of a model.

    Args:
        why: where it stands, since when, or what changed.
    """
    message, fix = _WORDS[code]
    told = {"model": model, "version": version, "why": why}
    return SignoffRefused(message.format(**told), fix=fix.format(**told), code=code)


def one_login(model: str, version: int, who: Sequence[str]) -> SignoffRefused:
    """The refusal of a vote from the login of somebody else who acted on the same version.

    Args:
        who: those who did; a run of the study is `the run`.
    """
    return SignoffRefused(
        f"{model} version {version}: this login has acted on it already ({', '.join(who)}), and "
        "the accounts do not say whose login it is",
        fix="vote under a login of your own; or have `login` of your account entered by whoever "
        "keeps the accounts",
        code="RS3335",
    )


def seal_broken(what: str) -> StorageError:
    """A sealed vote that is gone, or not the one that was given."""
    return StorageError(
        f"a sealed vote {what}: it can be neither opened nor counted",
        fix="put the folder `signoff` of the store back from a copy, or withdraw the submission "
        "and have it voted on again",
        code="RS3330",
    )


def record_broken(what: str) -> StorageError:
    """An entry of the log about a sign-off that makes no sense."""
    return StorageError(
        f"the log's record of a sign-off does not hold: {what}",
        fix="compare the log with a copy kept elsewhere (`riskstrat log verify`)",
        code="RS3331",
    )
