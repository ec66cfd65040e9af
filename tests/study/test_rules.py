"""What a study is bound to beside its own text: every change of it counts, and no comment does."""

from __future__ import annotations

from riskstrat.study import load_study
from riskstrat.study.rules import rules_of


def test_rules_are_of_what_the_study_uses_and_of_nothing_else(study_file, world):
    study = load_study(study_file())
    rules = rules_of(study)
    sources = {name.removeprefix("source ") for name in rules if name.startswith("source ")}
    agreed = {name.removeprefix("agreement ") for name in rules if name.startswith("agreement ")}
    assert sources == set(study.sources_by_name)
    assert agreed == {each.agreement for each in study.sources}
    for name in ("agreements", "sources"):
        for path in (world / name).glob("*.yaml"):
            path.write_text(f"# a comment\n{path.read_text()}")
    assert rules_of(load_study(study_file())) == rules


def test_each_changed_key_of_an_agreement_changes_its_digest_alone(study_file, world):
    before = rules_of(load_study(study_file()))
    path = world / "agreements" / "council.yaml"
    path.write_text(path.read_text().rstrip() + "\ndisclosure: none\n")
    after = rules_of(load_study(study_file()))
    assert {name for name in before if after.get(name) != before[name]} == {"agreement council"}


def test_a_codelist_counts_where_it_is_named_and_with_labels_and_groups(study_file, world):
    lists = world / "codelists"
    lists.mkdir(exist_ok=True)
    (lists / "nobody_names_me.csv").write_text("code,label\na,A\n")
    assert not any("nobody_names_me" in name for name in rules_of(load_study(study_file())))
    (lists / "wards.csv").write_text("code,label,group\na,A,x\n")
    named = study_file()
    named.write_text(named.read_text().replace("title: ", "title: wards, ", 1))
    before = rules_of(load_study(named))
    (lists / "wards.csv").write_text("code,label,group\na,A,y\n")
    after = rules_of(load_study(named))
    assert {name for name in after if after[name] != before[name]} == {"codelist wards"}
