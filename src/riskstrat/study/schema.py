"""JSON Schemas of the config files, so that editors complete and check them."""

from __future__ import annotations

from typing import Any

from riskstrat.contracts.agreements.spec import SharingAgreement
from riskstrat.contracts.spec import Source
from riskstrat.spec import Spec
from riskstrat.study.spec import StudySpec

SHORTHAND = ("Gate", "Aggregate", "SplitBy", "Learner", "Baseline")
"""Specs that a file may also write as one text."""


def schema() -> dict[str, dict[str, Any]]:
    """JSON Schemas of the config files, for editors: study, source, agreement and codelist."""
    models: dict[str, type[Spec]] = {
        "study": StudySpec,
        "source": Source,
        "agreement": SharingAgreement,
    }
    made = {
        name: {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            **_with_shorthand(model.model_json_schema(by_alias=True)),
        }
        for name, model in models.items()
    }
    return made | {"codelist": _codelist_schema()}


def _with_shorthand(body: dict[str, Any]) -> dict[str, Any]:
    """Allow the short forms that the specs read before they validate."""
    definitions = body.get("$defs", {})
    for name in SHORTHAND:
        if name in definitions:
            long = definitions[name]
            forms: list[dict[str, Any]] = [{"type": "string"}, long]
            if name in ("Learner", "Baseline"):
                forms.append({"type": "object", "minProperties": 1, "maxProperties": 1})
            definitions[name] = {"anyOf": forms, "description": long.get("description", "")}
    if "Column" in definitions:
        codes = definitions["Column"]["properties"]["codes"]
        codes["anyOf"].append({"type": "array", "items": {"type": ["string", "number"]}})
        codes["anyOf"][0]["additionalProperties"] = {"type": ["string", "number", "boolean"]}
    if "coverage" in body.get("properties", {}):
        coverage = body["properties"]["coverage"]
        body["properties"]["coverage"] = {
            "anyOf": [{"$ref": "#/$defs/Coverage"}, coverage],
            "description": "days for which the extract is complete, one stretch or several",
        }
    return body


def _codelist_schema() -> dict[str, Any]:
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Codelist",
        "description": "A codelist is a CSV file (UTF-8) named after the list, with the header "
        "`code,label` or `code,label,group` and each code once. This describes one row.",
        "type": "object",
        "properties": {
            "code": {"type": "string", "minLength": 1},
            "label": {"type": "string"},
            "group": {"type": "string"},
        },
        "required": ["code", "label"],
        "additionalProperties": False,
    }
