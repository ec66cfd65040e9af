"""Config files: plain YAML whose every fault is told with its line and its nearest spelling."""

from riskstrat.yamlfile.document import (
    Document,
    effective_text,
    faults_in,
    nearest,
    read_document,
    read_spec,
)

__all__ = [
    "Document",
    "effective_text",
    "faults_in",
    "nearest",
    "read_document",
    "read_spec",
]
