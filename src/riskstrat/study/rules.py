"""What a study is bound to beside its own text: the agreements, contracts and codelists it uses."""

from __future__ import annotations

import json
import re

from riskstrat.derivation import canonical, digest
from riskstrat.study.study import Study


def rules_of(study: Study) -> dict[str, str]:
    """Each agreement, contract and codelist that a study uses -> SHA-256 of what it says.

    What counts is what is read, with every default: comments and the order of keys do not. A
    codelist is used if the study or one of its contracts names it; one too many does no harm.

    Returns:
        Names such as ``agreement health``, ``source admissions``, ``codelist frailty_deficits``.
    """
    catalogue = study.catalogue
    agreements = {source.agreement: catalogue.agreements[source.agreement]
                  for source in study.sources}  # fmt: skip
    told = study.text + json.dumps([canonical(source) for source in study.sources])
    named = set(re.findall(r"\w+", told))
    lists = {name: each for name, each in catalogue.codelists.items() if name in named}
    found = {
        **{f"agreement {name}": digest(each) for name, each in agreements.items()},
        **{f"source {source.source}": digest(source) for source in study.sources},
        **{
            f"codelist {name}": digest(list(each.labels.items()), list(each.groups.items()))
            for name, each in lists.items()
        },
    }
    return dict(sorted(found.items()))
