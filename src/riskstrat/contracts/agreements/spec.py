"""What a sharing agreement may say."""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from riskstrat.contracts.spec import OptOut
from riskstrat.spec import Spec
from riskstrat.vocabulary import Name, Unit

Rows = Literal["own_patients", "pseudonymised", "aggregate"]
"""What a recipient may be given: its own people, everybody under ids for one list, or counts."""
EVERY_ROWS: frozenset[Rows] = frozenset({"own_patients", "pseudonymised", "aggregate"})
ALL: Literal["all"] = "all"
Everything = Literal["all"]


class Grant(Spec):
    """What may be read of one source, and what may be made of it."""

    columns: frozenset[str]
    """the columns, keys and dates included"""
    only_for: frozenset[Name] = frozenset()
    """purpose lock: of the agreement's purposes the only ones for this source; empty: all"""
    derive: frozenset[Name] | None = None
    """how features may be made: names of aggregates, and `attribute` for a value as it stands;
    by default in every way. Whether an agency knows the unit may always be said."""


class LegalBasis(Spec):
    """Why one source may be processed (UK GDPR articles, statute, common law)."""

    uk_gdpr: tuple[str, ...]
    statutory_gateway: str = ""
    common_law: str = ""
    confidence: (
        Literal["consent", "section_251", "statute", "public_interest", "not_confidential"] | None
    ) = None
    """what satisfies the duty of confidence, or sets it aside; where that is support under section
    251 of the National Health Service Act 2006, the agreement says that the national data opt-out
    binds, or who exempted the source"""


class RecipientGrant(Spec):
    """What one recipient may have of what is made from the agreement's sources."""

    rows: frozenset[Rows] = Field(default_factory=lambda: EVERY_ROWS)
    sees: dict[Name, frozenset[str] | Everything] | None = None
    """source -> the columns whose values it may see: `all`, or a list; by default every source,
    every column. A source with an empty list may go into a score that it receives, and shows in no
    column or reason; one that is not listed may not even do that"""
    only_for: frozenset[Name] = frozenset()
    """the purposes for which it is a recipient; empty: all of the agreement's"""


class SubLicence(Spec):
    """Some sources passed on to one more recipient, for one purpose, until a day."""

    to: Name
    sources: frozenset[Name] = Field(min_length=1)
    purpose: Name
    expires: date
    """the last day on which it holds"""
    reference: str = ""
    rows: frozenset[Rows] = Field(default_factory=lambda: EVERY_ROWS - {"own_patients"})


class OptOutRule(Spec):
    """Which sources one kind of opt-out binds."""

    sources: frozenset[Name] | Everything = ALL
    not_for: frozenset[Name] = frozenset({"direct_care"})
    """purposes for which it does not bind"""
    exempt: dict[Name, str] = Field(default={})
    """sources to which it does not apply, and who decided that"""

    def binds(self, source: str, purpose: str) -> bool:
        """Whether it binds a source for a purpose."""
        named = self.sources == ALL or source in self.sources
        return named and source not in self.exempt and purpose not in self.not_for


class DisclosurePolicy(StrEnum):
    """Named disclosure policies, see release/policies."""

    HES = "hes"
    OPENSAFELY = "opensafely"
    DFE = "dfe"
    STRICT = "strict"
    NONE = "none"


def _by_name(value: Any) -> Any:
    """A list of names grants each of them everything; so does `all` in place of a grant."""
    if isinstance(value, list | tuple | set | frozenset):
        return {name: {} for name in value}
    if isinstance(value, dict):
        return {name: {} if grant in (ALL, None) else grant for name, grant in value.items()}
    return value


Recipients = Annotated[
    dict[Name, RecipientGrant],
    BeforeValidator(
        _by_name, json_schema_input_type=list[Name] | dict[Name, RecipientGrant | Everything]
    ),
]


class SharingAgreement(Spec):
    """The legal gateway a source flows through: purposes, columns, recipients, dates."""

    agreement: Name
    reference: str
    title: str
    parties: tuple[str, ...]
    purposes: frozenset[Name]
    units: frozenset[Unit] = frozenset()
    """what a study that reads its sources may be about; empty: any unit"""
    legal_basis: dict[Name, LegalBasis]
    sources: dict[Name, Grant]
    recipients: Recipients = Field(default={})
    sub_licences: tuple[SubLicence, ...] = ()
    opt_outs: dict[OptOut, OptOutRule] = Field(default={})
    """which sources each kind of opt-out binds"""
    disclosure: DisclosurePolicy = DisclosurePolicy.STRICT
    starts: date
    ends: date
    retention_months: Annotated[int, Field(ge=0)] = 0
    """how long an extract may be kept, counted from the day to which it is complete; 0: no limit
    of its own"""

    @model_validator(mode="after")
    def _every_source_has_a_basis(self) -> Self:
        if missing := self.sources.keys() - self.legal_basis.keys():
            raise ValueError(f"no `legal_basis` for {', '.join(sorted(missing))}")
        if self.ends < self.starts:
            raise ValueError(f"it ends ({self.ends}) before it starts ({self.starts})")
        return self

    @model_validator(mode="after")
    def _opt_outs_name_what_there_is(self) -> Self:
        """Elsewhere a name that nobody knows grants nothing; here it would bind nothing."""
        for kind, rule in self.opt_outs.items():
            named = {*rule.exempt, *(() if rule.sources == ALL else rule.sources)}
            if unknown := sorted(named - self.legal_basis.keys()):
                raise ValueError(
                    f"`opt_outs.{kind}` names {', '.join(unknown)}, which is not under "
                    "`legal_basis`"
                )
        return self

    @model_validator(mode="after")
    def _section_251_comes_with_the_national_opt_out(self) -> Self:
        rule = self.opt_outs.get(OptOut.NATIONAL)
        for name, basis in sorted(self.legal_basis.items()):
            if basis.confidence != "section_251":
                continue
            told = rule is not None and (rule.sources == ALL or name in rule.sources)
            if not told and not (rule and name in rule.exempt):
                raise ValueError(
                    f"confidence in `{name}` is set aside under section 251, so the national data "
                    "opt-out binds it: say so under `opt_outs.national`, or name who exempted it "
                    "under `opt_outs.national.exempt`"
                )
        return self
