"""Drawings: the same on every run, readable without colour, silent about what is withheld."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

import pytest

from publish.county_report import county_report
from riskstrat.publish import charts, curves, diagrams
from riskstrat.publish.drawing import BLUE, GREEN, INK, MUTED, ORANGE, PURPLE
from riskstrat.publish.tables import records

DATA = county_report()
SENSITIVITY = records(DATA.fairness, group="ethnicity", metric="sensitivity")


def drawn(name="c"):
    return charts.fairness_chart(SENSITIVITY, name=name)


def test_the_same_rows_give_the_same_bytes():
    assert drawn() == drawn()


def test_two_drawings_on_a_page_share_no_id():
    one, other = (set(re.findall(r'id="([^"]+)"', drawn(name))) for name in ("a", "b"))
    assert one and not one & other


def test_a_drawing_is_well_formed_and_names_nothing_outside():
    root = ET.fromstring(drawn())
    assert root.attrib["role"] == "img"
    assert "http" not in drawn() and "metadata" not in drawn()


def test_what_is_withheld_is_a_word_without_a_dot():
    svg = drawn()
    shown = sum(row["value"] is not None for row in SENSITIVITY)
    assert svg.count(">withheld<") == len(SENSITIVITY) - shown
    assert len(re.findall(r"<use ", svg)) >= shown


def test_nothing_to_show_is_no_drawing():
    hidden = [{**row, "value": None} for row in SENSITIVITY]
    assert charts.fairness_chart(hidden, name="c") == ""
    assert charts.calibration_chart([], name="c") == ""
    assert charts.importance_chart([], name="c", label="agency", title="t") == ""
    assert curves.gains_chart([], [], name="c", champion="lightgbm") == ""
    assert charts.risk_chart([], name="c") == ""
    assert diagrams.flow_chart([], name="c", policy="strict") == ""
    assert diagrams.folds_chart([], name="c") == ""


def test_words_are_not_cut_short_with_the_coordinates():
    rows = records(DATA.performance, split="test", metric="auroc")
    svg = charts.performance_chart(rows, name="c", champion="lightgbm")
    assert ">0.786 (0.778 to 0.794)<" in svg
    assert not re.search(r' d="[^"]*\.\d{3}', svg)


def test_the_flow_shows_marks_for_suppressed_counts():
    svg = diagrams.flow_chart([{"step": "Left", "n": None}], name="c", policy="hes")
    assert ">*<" in svg


@pytest.mark.parametrize("colour", [BLUE, ORANGE, GREEN, PURPLE, MUTED, INK])
def test_colours_stand_out_on_white(colour):
    """WCAG 2.2: 4.5 to 1, enough for words and more than enough for lines."""
    assert 1.05 / (luminance(colour) + 0.05) >= 4.5


def luminance(colour):
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return sum(w * c for w, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))
