"""What a custody file may say: who sends what, under which keys, and who may be named to whom."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, field_validator, model_validator

from riskstrat.custody.keyspec import Domain, KeyStores, ProjectKeys
from riskstrat.spec import Spec
from riskstrat.vocabulary import Name

RESERVED = ("keys", "log")
"""folders of a provider that no agency may be called"""


class Identifier(StrEnum):
    """What a linker may be told about a person or an address, and an analyst never."""

    NHS_NUMBER = "nhs_number"
    UPN = "upn"
    FORENAME = "forename"
    SURNAME = "surname"
    DATE_OF_BIRTH = "date_of_birth"
    SEX = "sex"
    POSTCODE = "postcode"
    ADDRESS = "address"
    UPRN = "uprn"


DIRECT = frozenset(Identifier) - {Identifier.SEX}
"""identifiers that no extract may carry; sex is an attribute that many rightly have"""


def _by_name(value: Any) -> Any:
    """A list of identifiers means columns of these names."""
    return {each: each for each in value} if isinstance(value, list | tuple) else value


class Index(Spec):
    """The people, or the addresses, that an agency knows under ids of its own."""

    file: str
    """Parquet, from the data folder on"""
    id: str
    """the column of local ids, each once"""
    identifiers: Annotated[
        dict[Identifier, str], BeforeValidator(_by_name, json_schema_input_type=Any)
    ]
    """what the linker is told: a list of columns, or identifier -> column"""
    hand_over: Literal["identifiers", "tokens"] = "identifiers"
    """whether the linker is told the identifiers themselves, or keyed tokens of them"""

    @field_validator("identifiers")
    @classmethod
    def _some(cls, value: dict[Identifier, str]) -> dict[Identifier, str]:
        if not value:
            raise ValueError("an index without identifiers links to nothing")
        return value


class Extract(Spec):
    """One table of an agency, about its own local ids."""

    file: str
    """Parquet, from the data folder on"""
    person: str | None = None
    """the column with the local id of a person; the analyst gets ``person_id`` in its place"""
    household: str | None = None
    """the column with the id of an address; the analyst gets ``household_id`` in its place"""
    unindexed: Annotated[float, Field(ge=0, le=1)] = 0.0
    """share of rows that may name an id the index lacks; these are left out and counted"""


class OptOutList(Spec):
    """Where it is written who objects, by ids of whoever holds the file."""

    file: str = "opt_outs.parquet"
    """Parquet, from the data folder on"""
    person: str = "person_id"
    """the column of persons: the analyst's pseudonyms, or an agency's local ids"""
    kind: str = "kind"
    """the column that says what a person objects to, in the words of ``OptOut``"""
    starts_on: str = "starts_on"
    ends_on: str = "ends_on"


class Provider(Spec):
    """One agency: whom it knows, and what it sends about them."""

    title: str = ""
    people: Index | None = None
    addresses: Index | None = None
    extracts: Annotated[dict[Name, Extract], Field(min_length=1)]
    opt_outs: OptOutList | None = None
    """the agency's own list of who objects, by its local ids; it is applied and never handed over.
    A list that is also an extract (``role: opt_outs`` in its contract) need not be named here"""

    @model_validator(mode="after")
    def _ids_have_an_index(self) -> Self:
        for name, extract in self.extracts.items():
            if extract.person and not self.people:
                raise ValueError(f"`{name}` names people, and there is no `people` index")
            if extract.household and not self.addresses:
                raise ValueError(f"`{name}` names addresses, and there is no `addresses` index")
            if extract.person and extract.person == extract.household:
                raise ValueError(f"`{name}`: one column cannot be a person and an address")
        return self


class Responsible(Spec):
    """Where it is written which organisation looks after a person, and since when.

    The file is the analyst's, so persons in it are pseudonyms.
    """

    file: str = "gp_registration.parquet"
    person: str = "person_id"
    organisation: str = "practice_id"
    starts_on: str = "starts_on"
    ends_on: str = "ends_on"
    end_known_on: str = "end_recorded_on"
    known_on: str = "recorded_on"


class Reidentification(Spec):
    """To whom the gateway may name a person: only for direct care, only their own."""

    responsible: dict[Literal["gp", "caseworker"], Responsible] = Field(
        default={"gp": Responsible()}
    )
    """role -> where its patients or clients are listed; a role without a list names nobody"""
    fields: Annotated[tuple[Identifier, ...], Field(min_length=1)] = (
        Identifier.NHS_NUMBER,
        Identifier.FORENAME,
        Identifier.SURNAME,
        Identifier.DATE_OF_BIRTH,
    )
    """what is told of a person"""
    opt_outs: OptOutList | None = OptOutList()
    """the list that is asked at every request; ``null`` where no opt-out binds"""
    per_hour: Annotated[int, Field(ge=1)] = 20
    """how many requests one user may make within an hour"""
    per_day: Annotated[int, Field(ge=1)] = 100
    """how many requests one user may make within 24 hours"""


class CustodySpec(Spec):
    """Who holds what of one project."""

    project: Name
    keys: ProjectKeys
    linkage: Name
    """how records are linked: ``linkage/<name>.yaml``"""
    providers: Annotated[dict[Name, Provider], Field(min_length=1)]
    population: Name
    """the agency whose people are the spine, and whose record of a person counts"""
    key_stores: KeyStores = KeyStores()
    reidentification: Reidentification = Reidentification()

    @model_validator(mode="after")
    def _names_fit(self) -> Self:
        if taken := sorted(self.providers.keys() & set(RESERVED)):
            raise ValueError(f"no agency can be called `{taken[0]}`")
        population = self.providers.get(self.population)
        if population is None or population.people is None:
            raise ValueError(f"population `{self.population}` is no provider with a people index")
        names = [name for each in self.providers.values() for name in each.extracts]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"extract `{twice[0]}` is sent by two agencies")
        ids = [key for key in self.key_ids().values() if key]
        if len(ids) != len(set(ids)):
            raise ValueError("each domain needs a key of its own, and two have the same id")
        both = [
            index for each in self.providers.values() for index in (each.people, each.addresses)
        ]
        if len({index.hand_over for index in both if index}) > 1:
            raise ValueError(
                "some indexes are handed over as tokens and others as identifiers, and nobody "
                "could compare the two; hand over tokens everywhere"
            )
        if self.tokenised and not self.keys.tokens:
            raise ValueError(f"{self.tokenised[0]} hands over tokens, and `keys.tokens` is missing")
        return self

    @property
    def tokenised(self) -> tuple[str, ...]:
        """Agencies that hand over tokens of something."""
        return tuple(
            name
            for name, each in self.providers.items()
            if any(index and index.hand_over == "tokens" for index in (each.people, each.addresses))
        )

    def key_ids(self) -> dict[Domain, str | None]:
        """domain -> the id of its key; ``None`` for tokens where nobody makes any."""
        keys = self.keys
        return {
            Domain.PERSON: keys.person,
            Domain.HOUSEHOLD: keys.household,
            Domain.TOKENS: keys.tokens,
            Domain.LOG: keys.log or f"{self.project[:50].replace('_', '-')}-log-1",
        }

    def extract(self, name: str) -> Extract:
        """An extract by its name, whoever sends it."""
        return next(
            each.extracts[name] for each in self.providers.values() if name in each.extracts
        )
