"""The one module that knows Splink: it compares and weighs pairs, and learns chance agreement.

Splink works in the caller's connection; its tables are dropped afterwards. Its own messages may
quote SQL, so they never reach ours.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import duckdb
import numpy as np

from riskstrat.asof import quoted
from riskstrat.errors import LinkageError
from riskstrat.linkage.clusters import FloatArray
from riskstrat.linkage.comparisons import columns_compared, levels_of
from riskstrat.linkage.em import Patterns, learn
from riskstrat.linkage.keys import Key, columns_of, key_sql
from riskstrat.linkage.model import (
    FLOOR,
    MatchModel,
    Weights,
    comparison_dicts,
    fitting,
    rounded,
)
from riskstrat.linkage.spec import LinkageSpec
from riskstrat.linkage.workspace import Workspace

if TYPE_CHECKING:
    from splink import Linker

ENOUGH = 100
"""random pairs in each level after which chance agreement is known well enough"""


@contextmanager
def _linker(
    work: Workspace,
    table: str,
    spec: LinkageSpec,
    *,
    weights: Weights | None = None,
    prior: float = 1e-4,
    each_weight: bool = False,
    each_level: bool = False,
) -> Iterator[Linker]:
    """A Splink linker over one table, with term frequencies from the tables ``tf_<column>``."""
    from splink import DuckDBAPI, Linker, SettingsCreator
    from splink.internals.exceptions import SplinkException

    settings = SettingsCreator(
        link_type="dedupe_only",
        comparisons=[*comparison_dicts(spec, weights)],
        blocking_rules_to_generate_predictions=[{"blocking_rule": "1=0"}],
        probability_two_random_records_match=prior,
        retain_matching_columns=each_level,
        retain_intermediate_calculation_columns=each_weight,
        linker_uid=work.prefix,
    )
    api = DuckDBAPI(connection=work.con)
    logger, level = logging.getLogger("splink"), logging.getLogger("splink").level
    logger.setLevel(logging.CRITICAL)
    try:
        linker = Linker(
            api.register(table, table_name=f"{table}_in"),
            settings,
            log_level=None,
            validate_settings=False,
        )
        for column in spec.frequency_columns():
            lookup = api.register(work.name(f"tf_{column}"), table_name=f"{table}_tf_{column}")
            linker.table_management.register_term_frequency_lookup(lookup, column)
        yield linker
    except SplinkException as fault:
        if isinstance(fault.__cause__, duckdb.OutOfMemoryException):
            raise fault.__cause__ from None
        raise LinkageError(
            f"`{spec.linkage}`: Splink could not carry out a step on "
            f"{len(spec.comparisons)} comparisons",
            fix="check that every field is filled in some records; give the linkage more memory",
            code="RS1307",
        ) from None
    finally:
        logger.setLevel(level)
        api.delete_tables_created_by_splink_from_db()  # type: ignore[no-untyped-call]


def count_frequencies(work: Workspace, spec: LinkageSpec) -> None:
    """Make the tables ``tf_<column>``: how common each value is, among profiles that have one."""
    for column in spec.frequency_columns():
        name = quoted(column)
        work.table(
            f"tf_{column}",
            f"SELECT {name}, count(*) / CAST(sum(count(*)) OVER () AS DOUBLE) AS "
            f"{quoted('tf_' + column)} FROM {work.name('profiles')} WHERE {name} IS NOT NULL "
            f"GROUP BY {name}",
        )


def train(work: Workspace, spec: LinkageSpec, table: str, partners: float) -> MatchModel:
    """Learn m and u.

    u comes from pairs taken at random; m from pairs with equal labels, or by expectation
    maximisation within blocks, each rule teaching the comparisons that it does not use.

    Args:
        work: holds the table and the term frequencies.
        spec: how to train.
        table: profiles or a sample of them.
        partners: true pairs for each group that is looked for.

    Raises:
        LinkageError: RS1306, no pair to learn from.
    """
    how = spec.training
    with _linker(work, table, spec) as linker:
        linker.training.estimate_u_using_random_sampling(
            max_pairs=how.max_pairs, seed=how.seed, min_count_per_level=ENOUGH, num_chunks=10
        )
        if how.labels:
            _need_pairs(work, spec, table, (how.labels,))
            linker.training.estimate_m_from_label_column(how.labels)
        said = linker.misc.save_model_to_json()
    u, m = _shares(said, "u_probability"), _shares(said, "m_probability")
    if how.rules:
        m = _learn(work, spec, table, u)
    return MatchModel(
        fitted_to=fitting(spec),
        weights=_by_label(spec, m, u),
        partners=rounded(partners),
        trained_on={
            "records": work.number(f"SELECT count(*) FROM {table}"),
            "random_pairs": how.max_pairs,
        },
    )


def _need_pairs(work: Workspace, spec: LinkageSpec, table: str, rule: Key) -> None:
    found = work.number(
        f"SELECT count(*) FROM (SELECT {key_sql(rule)} AS key FROM {table} WHERE key IS NOT NULL "
        f"GROUP BY key HAVING count(*) > 1)"
    )
    if not found:
        raise LinkageError(
            f"`{spec.linkage}`: no two records agree on {', '.join(rule)}, so there is nothing to "
            f"learn from",
            fix="choose `training.rules` on which some records agree, or give a stored model",
            code="RS1306",
        )


def _shares(said: dict[str, Any], which: str) -> list[FloatArray]:
    """m or u of each comparison out of Splink's settings, by level number."""
    found = []
    for comparison in said["comparisons"]:
        levels = [each for each in comparison["comparison_levels"] if not each.get("is_null_level")]
        values = np.array([each.get(which) or 0.0 for each in reversed(levels)])
        found.append(_summed(values))
    return found


def _summed(values: FloatArray) -> FloatArray:
    kept = np.maximum(values, FLOOR)
    return np.asarray(kept / kept.sum())


def _learn(work: Workspace, spec: LinkageSpec, table: str, u: list[FloatArray]) -> list[FloatArray]:
    """m of each comparison: the median over the rules that leave it free."""
    found: list[list[FloatArray]] = [[] for _ in u]
    for rule in spec.training.rules:
        _need_pairs(work, spec, table, rule)
        used = set(columns_of(rule))
        free = [c for c, each in enumerate(spec.comparisons) if not used & columns_compared(each)]
        patterns = _patterns(work, spec, table, rule)
        learnt = learn(Patterns(patterns.levels[:, free], patterns.pairs), [u[c] for c in free])
        for c, m in zip(free, learnt.m, strict=True):
            found[c].append(m)
    for comparison, sessions in zip(spec.comparisons, found, strict=True):
        if not sessions:
            raise LinkageError(
                f"`{spec.linkage}`: nothing was learnt about {comparison.name}, for every "
                f"training rule uses it",
                fix="add a rule to `training.rules` that leaves it free",
                code="RS1306",
            )
    return [_summed(np.median(np.stack(sessions), axis=0)) for sessions in found]


def _patterns(work: Workspace, spec: LinkageSpec, table: str, rule: Key) -> Patterns:
    """How the pairs of a rule agree; of more than ``max_pairs``, a share by their numbers."""
    keyed = (
        f"(SELECT unique_id, {key_sql(rule)} AS key FROM {table} WHERE key IS NOT NULL "
        f"QUALIFY count(*) OVER (PARTITION BY key) <= {spec.max_block})"
    )
    pairs = work.table(
        "blocked",
        f"SELECT '0' AS match_key, l.unique_id AS join_key_l, r.unique_id AS join_key_r "
        f"FROM {keyed} AS l JOIN {keyed} AS r ON l.key = r.key AND l.unique_id < r.unique_id",
    )
    share = spec.training.max_pairs / max(work.number(f"SELECT count(*) FROM {pairs}"), 1)
    if share < 1:
        work.run(
            f"DELETE FROM {pairs} WHERE hash(join_key_l, join_key_r, {spec.training.seed}) "
            f"> {share} * 18446744073709551615"
        )
    names = ", ".join(quoted(f"gamma_{each.name}") for each in spec.comparisons)
    with _linker(work, table, spec, each_level=True) as linker:
        found = _weighed(linker, pairs)
        counted = work.arrays(
            f"SELECT {names}, count(*) AS pairs FROM {found} GROUP BY ALL ORDER BY ALL"
        )
    work.drop("blocked")
    levels = [counted[f"gamma_{each.name}"].astype(np.int64) for each in spec.comparisons]
    return Patterns(np.stack(levels, axis=1), counted["pairs"].astype(np.float64))


def _by_label(spec: LinkageSpec, m: list[FloatArray], u: list[FloatArray]) -> Weights:
    return {
        comparison.name: {
            level.label: (rounded(float(m[c][place])), rounded(float(u[c][place])))
            for place, level in enumerate(
                reversed([each for each in levels_of(comparison) if not each.null])
            )
        }
        for c, comparison in enumerate(spec.comparisons)
    }


def _weighed(linker: Linker, pairs: str) -> str:
    """The table of scored pairs."""
    given = linker._db_api.register(pairs, table_name=f"{pairs}_given")
    linker.table_management.register_blocked_pairs_for_predict(given)
    return str(linker.inference.predict(warning_mode="never").physical_name)


def score(
    work: Workspace,
    spec: LinkageSpec,
    model: MatchModel,
    prior: float,
    pairs: str,
    target: str,
    *,
    each_weight: bool = False,
) -> str:
    """Weigh pairs of profiles.

    Args:
        work: holds ``profiles``, the term frequencies and the pairs.
        spec, model: what to compare and what it weighs.
        prior: probability that a pair taken at random is one person.
        pairs: table of match_key, join_key_l, join_key_r.
        target: table to make: unique_id_l, unique_id_r, match_weight (log2 odds); with
            ``each_weight`` also mw_<comparison>.

    Returns:
        The full name of the target.
    """
    with _linker(
        work,
        work.name("profiles"),
        spec,
        weights=model.weights,
        prior=prior,
        each_weight=each_weight,
    ) as linker:
        found = _weighed(linker, pairs)
        parts = ["unique_id_l", "unique_id_r", "match_weight"]
        if each_weight:
            for comparison in spec.comparisons:
                parts.append(_each(comparison.name, comparison.name in _adjusted(spec)))
        return work.table(target, f"SELECT {', '.join(parts)} FROM {found}")


def _adjusted(spec: LinkageSpec) -> set[str]:
    return {comparison.name for comparison in spec.comparisons if comparison.frequencies}


def _each(name: str, adjusted: bool) -> str:
    more = f" + {quoted(f'mw_tf_adj_{name}')}" if adjusted else ""
    return f"{quoted(f'mw_{name}')}{more} AS {quoted(f'weight_{name}')}"
