"""From a study file to a Study."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from riskstrat.attributes import Attribute
from riskstrat.contracts.catalogue import Catalogue, load_catalogue
from riskstrat.errors import StudyError
from riskstrat.study.compose import compose
from riskstrat.study.names import Names
from riskstrat.study.spec import StudySpec
from riskstrat.study.study import Study
from riskstrat.vocabulary import Unit
from riskstrat.yamlfile import effective_text, read_document


def load_study(path: Path, overrides: Sequence[str] = ()) -> Study:
    """Read a study file, the catalogue beside it, and check the one against the other.

    Args:
        path: the study file.
        overrides: ``path.to.key=value`` texts (``--set``), applied in order.

    Raises:
        StudyError: naming the file, the line, the key, what was found and what would do.
    """
    document = read_document(path, overrides)
    spec = document.validate(StudySpec)
    root = _config_root(path)
    catalogue = load_catalogue(root, spec.packs, document.place)
    return compose(document, spec, root, catalogue, effective_text(spec))


def resolve_attribute(
    text: str,
    *,
    unit: Unit,
    catalogue: Catalogue,
    age_bands: Sequence[int] = (),
    where: str = "attribute",
) -> Attribute:
    """What an attribute named in a study about ``unit`` means.

    ``unit``, a related unit (``household``), ``age``, ``age_at_as_of``, ``age_band``, a column, or
    ``source.column``. A bare column is looked for in the sources about the unit itself, then in
    those a relation reaches; sources of events must be named.

    Raises:
        StudyError: RS1230 unknown, RS1231 ambiguous, RS1232 no relation, RS1233 no birth date.
    """
    return Names(unit, catalogue, tuple(age_bands)).attribute(text, where)


def _config_root(path: Path) -> Path:
    folder = path.resolve().parent
    for root in (folder, folder.parent):
        if (root / "sources").is_dir() or (root / "agreements").is_dir():
            return root
    raise StudyError(
        f"{path}: there is no folder `sources` or `agreements` beside the study file or one level "
        "above",
        fix="keep studies in a folder next to `sources`, `agreements` and `codelists`",
        code="RS1205",
    )
