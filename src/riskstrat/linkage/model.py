"""The trained model in our own words: m and u of every level, as JSON.

A model saved by Splink is bound to the SQL dialect it was trained on. Ours holds probabilities by
comparison and level alone; Splink's settings are built from the linkage file each time, for
whatever engine scores, so the same model gives the same weights everywhere.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from math import floor, log10
from types import MappingProxyType
from typing import Any, Self

from riskstrat.derivation import digest
from riskstrat.errors import LinkageError
from riskstrat.linkage.comparisons import levels_of
from riskstrat.linkage.spec import LinkageSpec

FORMAT = 1
FLOOR = 1e-6
"""m and u never fall below it: a level nobody has seen is rare, not impossible"""
RAREST = 1e-5
"""a value held by fewer than one in this many counts as this rare"""
DIGITS = 6

Weights = Mapping[str, Mapping[str, tuple[float, float]]]
"""comparison -> level -> (m, u)"""


@dataclass(frozen=True, slots=True)
class MatchModel:
    """What was learnt once and is used again.

    Attributes:
        fitted_to: digest of the comparisons that the weights belong to.
        weights: comparison -> level -> (m, u).
        partners: true pairs expected for each group that is looked for.
        trained_on: counts that say what it was learnt from.
    """

    fitted_to: str
    weights: Weights
    partners: float
    trained_on: Mapping[str, int]

    def as_dict(self) -> dict[str, Any]:
        """For JSON; holds no value of any record."""
        return {
            "format": FORMAT,
            "fitted_to": self.fitted_to,
            "partners": self.partners,
            "trained_on": dict(self.trained_on),
            "weights": {
                name: {label: {"m": m, "u": u} for label, (m, u) in levels.items()}
                for name, levels in self.weights.items()
            },
        }

    def text(self) -> str:
        """The JSON that :meth:`read` reads."""
        return json.dumps(self.as_dict(), indent=2, ensure_ascii=False) + "\n"

    @classmethod
    def read(cls, text: str) -> Self:
        """A model from its JSON.

        Raises:
            LinkageError: RS1305, the text is no model of this format.
        """
        try:
            said = json.loads(text)
            if said["format"] != FORMAT:
                raise ValueError(said["format"])
            weights = {
                name: MappingProxyType(
                    {label: (float(at["m"]), float(at["u"])) for label, at in levels.items()}
                )
                for name, levels in said["weights"].items()
            }
            return cls(
                str(said["fitted_to"]),
                MappingProxyType(weights),
                float(said["partners"]),
                MappingProxyType({name: int(n) for name, n in said["trained_on"].items()}),
            )
        except (KeyError, TypeError, ValueError, AttributeError) as fault:
            raise LinkageError(
                "the file is no match model of this version",
                fix="train again: link without a stored model",
                code="RS1305",
            ) from fault

    def prior(self, groups: int, pairs: int) -> float:
        """Probability that a pair taken at random is one person.

        Args:
            groups: groups that are looked for.
            pairs: pairs of groups in scope.
        """
        return min(max(self.partners * groups / max(pairs, 1), 1e-12), 0.5)


def fitting(spec: LinkageSpec) -> str:
    """The digest of all that decides what the weights mean."""
    return digest(
        [[name, field.kind] for name, field in spec.people_fields().items()],
        [[c, [level.label for level in levels_of(c)]] for c in spec.comparisons],
    )


def check_fit(model: MatchModel, spec: LinkageSpec) -> None:
    """Refuse a model of other comparisons.

    Raises:
        LinkageError: RS1305.
    """
    if model.fitted_to != fitting(spec):
        raise LinkageError(
            f"the stored match model was trained for other fields or comparisons than those of "
            f"`{spec.linkage}`",
            fix="train again: link without a stored model, or restore the linkage file",
            code="RS1305",
        )


def rounded(value: float) -> float:
    """A probability to six significant digits.

    Sums over threads differ in the last places; weights must not.

    Examples:
        >>> rounded(0.012345678901), rounded(0.0)
        (0.0123457, 0.0)
    """
    if value <= 0:
        return 0.0
    return round(value, DIGITS - 1 - floor(log10(value)))


def comparison_dicts(spec: LinkageSpec, weights: Weights | None) -> list[dict[str, Any]]:
    """The comparisons as Splink takes them, with weights where they are known."""
    return [
        {
            "output_column_name": comparison.name,
            "comparison_levels": [
                {
                    "sql_condition": level.condition,
                    "label_for_charts": level.label,
                    **({"is_null_level": True} if level.null else {}),
                    **(
                        {
                            "tf_adjustment_column": level.frequency_of,
                            "tf_minimum_u_value": RAREST,
                        }
                        if level.frequency_of
                        else {}
                    ),
                    **(
                        {
                            "m_probability": weights[comparison.name][level.label][0],
                            "u_probability": weights[comparison.name][level.label][1],
                        }
                        if weights and not level.null
                        else {}
                    ),
                }
                for level in levels_of(comparison)
            ],
        }
        for comparison in spec.comparisons
    ]
