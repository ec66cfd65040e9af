"""One pass over each unit's events, for all its dates and all features of a source at once.

Each visible event falls into the band of its age (the narrowest window that holds it) and bumps
small counters of its unit and date; afterwards bands are summed from the narrowest to the widest,
so that nested windows cost one addition each. A unit without a visible event costs nothing: its
cells are filled beforehand. Distinct values are counted by the most recent age of each.

What is computed is plain arrays of small numbers (``Program``), so one compiled function serves
every study. Every sum is exact, in 128-bit integers, so neither the order of events nor the size
of a chunk changes a bit. ``features/sql.py`` says what each feature means.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit

COUNT, ANY, OPEN, LAST, FIRST, TREND, DISTINCT = 0, 1, 2, 3, 4, 5, 6
SUM, MEAN, LEAST, MOST = 7, 8, 9, 10
KNOWN, KNOWN_OR_OPEN, KNOWN_EVER = 11, 12, 13
ZERO_WHEN_EMPTY = frozenset(
    {COUNT, ANY, OPEN, TREND, DISTINCT, SUM, KNOWN, KNOWN_OR_OPEN, KNOWN_EVER}
)
"""what a unit without events gets 0 for; for the rest it gets nothing"""

NEVER = np.iinfo(np.int32).max
"""a day after all days"""
SCALE = 2.0**40
"""numbers are summed as whole multiples of 1 / SCALE"""
MOST_SUMMED, MOST_FLOAT = 2.0**55, 3.4028234663852886e38
"""as in ``features/sql.py``; written again, for what is compiled is kept until this file changes"""
_TWO63, _TWO64 = 2.0**63, 2.0**64


class Events(NamedTuple):
    """The rows of a source in one bucket, sorted by key.

    Attributes:
        starts: int64 (keys + 1), where each key's rows begin.
        day: int32 (n), when it happened (a spell: started), in days since 1970-01-01.
        seen: int32 (n); visible at ``as_of`` if ``seen < as_of``.
        closed: int32 (n) or (0); a visible spell is open at ``as_of`` if ``as_of <= closed``.
        parts: int16 (n, columns); which part of a slot a row is in, -1 for none.
        numbers: float64 (n, columns); NaN for none.
        wholes: int64 (n, columns), with ``present``: bool (n, columns).
        codes: int32 (n, columns); values to tell apart, numbered together with their part.
    """

    starts: Any
    day: Any
    seen: Any
    closed: Any
    parts: Any
    numbers: Any
    wholes: Any
    present: Any
    codes: Any


class Entities(NamedTuple):
    """Who is asked for: each entity reads the rows of some keys, at some days.

    Attributes:
        key_ptr, keys: int64; entity ``e`` reads ``keys[key_ptr[e]:key_ptr[e + 1]]``.
        date_ptr: int64; its days are ``dates[date_ptr[e]:date_ptr[e + 1]]``, rising.
        dates: int32, days since 1970-01-01.
        rows: int64, the row of the output each day goes to.
    """

    key_ptr: Any
    keys: Any
    date_ptr: Any
    dates: Any
    rows: Any


class Program(NamedTuple):
    """The features of one source and relation, as numbers.

    A *slot* is a filter and a split; it has one counter (*cell*) per part. All integers.

    Attributes:
        bands: int16 (longest window + 1), age in days -> band.
        sizes: int64 (4): bands, cells, value cells, code cells.
        slot_part: column of ``Events.parts``, or -1 where every row counts.
        slot_cell: the slot's first cell.
        slot_old: whether ages of the oldest rows are asked for.
        value_slot, value_whole, value_column, value_cell: what is summed, in which slot.
        code_column, code_at: column of ``Events.codes``; where its codes begin in ``code_cell``.
        code_cell: code -> the cell that counts it.
        wants_open: whether spells open on the day are asked for.
        op, cell, band, extra, whole: per feature: what, of which cell, up to which band;
            ``extra`` is the second band of a trend, and the cell of the rows of a sum.
    """

    bands: Any
    sizes: Any
    slot_part: Any
    slot_cell: Any
    slot_old: Any
    value_slot: Any
    value_whole: Any
    value_column: Any
    value_cell: Any
    code_column: Any
    code_at: Any
    code_cell: Any
    wants_open: Any
    op: Any
    cell: Any
    band: Any
    extra: Any
    whole: Any


def aggregate(ev: Events, who: Entities, plan: Program, out: Any) -> None:
    """Fill the cells of entities that have visible rows.

    Args:
        ev: the rows.
        who: the entities.
        plan: the features.
        out: float32 (features, rows), filled beforehand with what entities without rows get.
    """
    # One layout of arrays, or the compiler would make a version for each that occurs.
    _aggregate(
        Events(*map(_plain, ev)), Entities(*map(_plain, who)), Program(*map(_plain, plan)), out
    )


def _plain(array: Any) -> Any:
    return np.require(array, requirements=["C", "W"]) if isinstance(array, np.ndarray) else array


def load() -> None:
    """Load the compiled code, or compile it, which takes about ten seconds and is kept."""
    whole, flags = np.zeros(1, np.int64), np.zeros(0, np.bool_)
    none = whole[:0]
    small = np.zeros(0, np.int32)
    ev = Events(
        np.zeros(2, np.int64),
        *(small,) * 3,
        np.zeros((0, 0), np.int16),
        np.zeros((0, 0), np.float64),
        np.zeros((0, 0), np.int64),
        np.zeros((0, 0), np.bool_),
        np.zeros((0, 0), np.int32),
    )
    who = Entities(whole, none, whole, small, none)
    bands, sizes = np.zeros(1, np.int16), np.zeros(4, np.int64)
    plan = Program(
        bands,
        sizes,
        *(none, none, flags),
        *(none, flags, none, none),
        *(none, none, small, False),
        *(none, none, none, none, flags),
    )
    aggregate(ev, who, plan, np.zeros((0, 0), np.float32))


@njit(nogil=True, cache=True)
def _aggregate(ev: Events, who: Entities, plan: Program, out: Any) -> None:
    """One long function: what it keeps of an entity lives in arrays, and handing those to a
    function per row costs ten times the row.
    """
    starts, day, seen, closed, parts = ev.starts, ev.day, ev.seen, ev.closed, ev.parts
    numbers, wholes, present, codes = ev.numbers, ev.wholes, ev.present, ev.codes
    key_ptr, keys, date_ptr, dates, rows = who.key_ptr, who.keys, who.date_ptr, who.dates, who.rows
    bands, slot_old = plan.bands, plan.slot_old
    slot_part, slot_cell = plan.slot_part, plan.slot_cell
    value_slot, value_whole = plan.value_slot, plan.value_whole
    value_column, value_cell = plan.value_column, plan.value_cell
    code_column, code_at, code_cell = plan.code_column, plan.code_at, plan.code_cell
    op, cell, band, extra, whole_op = plan.op, plan.cell, plan.band, plan.extra, plan.whole
    n_bands, n_cells, n_values, n_different = plan.sizes
    n_slots, n_sums, n_codes, n_ops = len(slot_part), len(value_slot), len(code_column), len(op)
    longest = len(bands) - 1
    wants_open = plan.wants_open

    n_entities = len(date_ptr) - 1
    most_dates = 0
    for e in range(n_entities):
        most_dates = max(most_dates, date_ptr[e + 1] - date_ptr[e])
    most_told = _most_told(starts, key_ptr, keys, n_codes)

    # Counters of one entity, by date, cell and band.
    count = np.zeros((most_dates, n_cells, n_bands), np.int32)
    oldest = np.zeros((most_dates, n_cells, n_bands), np.int32)
    newest = np.zeros((most_dates, n_cells), np.int32)
    opens = np.zeros((most_dates, n_cells), np.int32)
    recorded = np.zeros((most_dates, n_values, n_bands), np.int32)
    summed = np.zeros((most_dates, n_values, n_bands), np.int32)
    high = np.zeros((most_dates, n_values, n_bands), np.int64)
    low = np.zeros((most_dates, n_values, n_bands), np.uint64)
    least = np.zeros((most_dates, n_values, n_bands), np.float64)
    most = np.zeros((most_dates, n_values, n_bands), np.float64)
    least_whole = np.zeros((most_dates, n_values, n_bands), np.int64)
    most_whole = np.zeros((most_dates, n_values, n_bands), np.int64)
    different = np.zeros((most_dates, n_different, n_bands), np.int32)
    # Its distinct codes so far: where each is among them, and its most recent band by date.
    stamp = np.full(len(code_cell), -1, np.int64)
    place = np.zeros(len(code_cell), np.int32)
    told_cell = np.zeros(most_told, np.int32)
    best = np.zeros((most_dates, most_told), np.int16)
    touched = np.zeros(most_dates, np.bool_)

    for e in range(n_entities):
        d0 = date_ptr[e]
        k = date_ptr[e + 1] - d0
        told = 0
        any_touched = False
        for j in range(k):
            touched[j] = False
        for q in range(key_ptr[e], key_ptr[e + 1]):
            for i in range(starts[keys[q]], starts[keys[q] + 1]):
                for j in range(k - 1, -1, -1):
                    as_of = dates[d0 + j]
                    if seen[i] >= as_of:
                        break
                    if not touched[j]:
                        touched[j] = True
                        any_touched = True
                        for c in range(n_cells):
                            opens[j, c] = 0
                            newest[j, c] = NEVER
                            for b in range(n_bands):
                                count[j, c, b] = 0
                                oldest[j, c, b] = -1
                        for c in range(n_values):
                            for b in range(n_bands):
                                recorded[j, c, b] = 0
                                summed[j, c, b] = 0
                                high[j, c, b] = 0
                                low[j, c, b] = 0
                        for c in range(n_different):
                            for b in range(n_bands):
                                different[j, c, b] = 0
                    age = as_of - day[i]
                    within = age <= longest
                    is_open = wants_open and as_of <= closed[i]
                    if not within and not is_open:
                        continue
                    b = bands[age] if within else 0
                    for s in range(n_slots):
                        part = parts[i, slot_part[s]] if slot_part[s] >= 0 else 0
                        if part < 0:
                            continue
                        c = slot_cell[s] + part
                        if is_open:
                            opens[j, c] += 1
                        if within:
                            count[j, c, b] += 1
                            if age < newest[j, c]:
                                newest[j, c] = age
                            if slot_old[s] and age > oldest[j, c, b]:
                                oldest[j, c, b] = age
                    if not within:
                        continue
                    for v in range(n_sums):
                        column = slot_part[value_slot[v]]
                        part = parts[i, column] if column >= 0 else 0
                        if part < 0:
                            continue
                        c = value_cell[v] + part
                        column = value_column[v]
                        if value_whole[v]:
                            if not present[i, column]:
                                continue
                            whole = wholes[i, column]
                            if recorded[j, c, b] == 0:
                                least_whole[j, c, b] = whole
                                most_whole[j, c, b] = whole
                            else:
                                least_whole[j, c, b] = min(whole, least_whole[j, c, b])
                                most_whole[j, c, b] = max(whole, most_whole[j, c, b])
                            recorded[j, c, b] += 1
                            add_high = -1 if whole < 0 else 0
                            add_low = np.uint64(whole)
                        else:
                            number = numbers[i, column]
                            if not abs(number) <= MOST_FLOAT:
                                continue
                            if recorded[j, c, b] == 0:
                                least[j, c, b] = number
                                most[j, c, b] = number
                            else:
                                least[j, c, b] = min(number, least[j, c, b])
                                most[j, c, b] = max(number, most[j, c, b])
                            recorded[j, c, b] += 1
                            if abs(number) > MOST_SUMMED:
                                continue
                            add_high, add_low = _halves(np.rint(number * SCALE))
                        summed[j, c, b] += 1
                        before = low[j, c, b]
                        low[j, c, b] = before + add_low
                        high[j, c, b] += add_high + (1 if low[j, c, b] < before else 0)
                    for d in range(n_codes):
                        code = codes[i, code_column[d]]
                        if code < 0:
                            continue
                        at = code_at[d] + code
                        if stamp[at] != e:
                            stamp[at] = e
                            place[at] = told
                            told_cell[told] = code_cell[at]
                            for m in range(k):
                                best[m, told] = n_bands
                            told += 1
                        if b < best[j, place[at]]:
                            best[j, place[at]] = b
        if not any_touched:
            continue
        for j in range(k):
            if not touched[j]:
                continue
            # From what each band holds to what each window holds.
            for c in range(n_cells):
                for b in range(1, n_bands):
                    count[j, c, b] += count[j, c, b - 1]
                    oldest[j, c, b] = max(oldest[j, c, b], oldest[j, c, b - 1])
            for c in range(n_values):
                for b in range(1, n_bands):
                    if recorded[j, c, b - 1] == 0:
                        continue
                    if recorded[j, c, b] == 0:
                        least[j, c, b] = least[j, c, b - 1]
                        most[j, c, b] = most[j, c, b - 1]
                        least_whole[j, c, b] = least_whole[j, c, b - 1]
                        most_whole[j, c, b] = most_whole[j, c, b - 1]
                    else:
                        least[j, c, b] = min(least[j, c, b], least[j, c, b - 1])
                        most[j, c, b] = max(most[j, c, b], most[j, c, b - 1])
                        least_whole[j, c, b] = min(least_whole[j, c, b], least_whole[j, c, b - 1])
                        most_whole[j, c, b] = max(most_whole[j, c, b], most_whole[j, c, b - 1])
                    recorded[j, c, b] += recorded[j, c, b - 1]
                    summed[j, c, b] += summed[j, c, b - 1]
                    before = low[j, c, b]
                    low[j, c, b] = before + low[j, c, b - 1]
                    high[j, c, b] += high[j, c, b - 1] + (1 if low[j, c, b] < before else 0)
            for t in range(told):
                if best[j, t] < n_bands:
                    different[j, told_cell[t], best[j, t]] += 1
            for c in range(n_different):
                for b in range(1, n_bands):
                    different[j, c, b] += different[j, c, b - 1]
            row = rows[d0 + j]
            for f in range(n_ops):
                what, c, b = op[f], cell[f], band[f]
                if what == COUNT:
                    out[f, row] = count[j, c, b]
                elif what in (ANY, KNOWN):
                    out[f, row] = 1 if count[j, c, b] else 0
                elif what == LAST:
                    if count[j, c, b]:
                        out[f, row] = newest[j, c]
                elif what == FIRST:
                    if count[j, c, b]:
                        out[f, row] = oldest[j, c, b]
                elif what == DISTINCT:
                    out[f, row] = different[j, c, b]
                elif what == TREND:
                    out[f, row] = 2 * count[j, c, b] - count[j, c, extra[f]]
                elif what == OPEN:
                    out[f, row] = opens[j, c]
                elif what == KNOWN_OR_OPEN:
                    out[f, row] = 1 if count[j, c, b] or opens[j, c] else 0
                elif what == KNOWN_EVER:
                    out[f, row] = 1
                elif what in (LEAST, MOST):
                    if recorded[j, c, b]:
                        if whole_op[f]:
                            out[f, row] = np.float32(
                                least_whole[j, c, b] if what == LEAST else most_whole[j, c, b]
                            )
                        else:
                            out[f, row] = least[j, c, b] if what == LEAST else most[j, c, b]
                elif summed[j, c, b]:
                    total = _as_double(high[j, c, b], low[j, c, b])
                    if not whole_op[f]:
                        total /= SCALE
                    out[f, row] = total if what == SUM else total / summed[j, c, b]
                elif what == SUM and count[j, extra[f], b]:
                    out[f, row] = np.nan


@njit(nogil=True, cache=True)
def _most_told(starts: Any, key_ptr: Any, keys: Any, n_codes: int) -> int:
    """How many distinct codes one entity can have at most."""
    most = 0
    if n_codes:
        for e in range(len(key_ptr) - 1):
            n = 0
            for q in range(key_ptr[e], key_ptr[e + 1]):
                n += starts[keys[q] + 1] - starts[keys[q]]
            most = max(most, n)
    return most * n_codes


@njit(nogil=True, cache=True)
def _halves(scaled: float) -> tuple[Any, Any]:
    """A whole double of up to 2^95 as the upper and lower half of a 128-bit integer."""
    if abs(scaled) < _TWO63:
        whole = np.int64(scaled)
        return np.int64(-1 if whole < 0 else 0), np.uint64(whole)
    # So large a double is a whole multiple of 2^11: half of the lower half fits, and is exact.
    upper = np.floor(scaled / _TWO64)
    rest = scaled - upper * _TWO64
    return np.int64(upper), np.uint64(np.int64(rest / 2.0)) * np.uint64(2)


@njit(nogil=True, cache=True)
def _as_double(high: int, low: int) -> float:
    """A 128-bit integer as a double, rounded as the database engine rounds it."""
    if high == -1:
        return -np.float64(np.uint64(0xFFFFFFFFFFFFFFFF) - low) - 1.0
    return np.float64(low) + np.float64(high) * _TWO64
