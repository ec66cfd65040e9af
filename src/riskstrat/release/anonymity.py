"""Nothing singles out: attributes and reasons that too few people share are withheld."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

WITHHELD = "withheld"

Attributes = tuple[str, ...]


def coarsen(rows: Sequence[Attributes], k: int) -> list[Attributes]:
    """Withhold attributes until every combination shown is shared by at least ``k`` rows.

    The last attribute goes first, so a recipient lists them by importance. If those of whom
    everything is withheld are themselves too few, the smallest other combination joins them.

    Args:
        rows: the attributes of each listed person, in one order.
        k: the smallest group that may be told apart.

    Returns:
        The rows with `withheld` in place of what would have singled somebody out.

    Examples:
        >>> coarsen([("65-74", "north")] * 2 + [("65-74", "south")] * 2 + [("75+", "south")], 2)[-1]
        ('withheld', 'withheld')
    """
    width = len(rows[0]) if rows else 0
    kept = [width] * len(rows)

    def shown(place: int) -> Attributes:
        return rows[place][: kept[place]] + (WITHHELD,) * (width - kept[place])

    for level in range(width, 0, -1):
        sizes = Counter(shown(place) for place in range(len(rows)))
        for place in range(len(rows)):
            if kept[place] == level and sizes[shown(place)] < k:
                kept[place] = level - 1
    return _fill_the_rest([shown(place) for place in range(len(rows))], k)


def _fill_the_rest(rows: list[Attributes], k: int) -> list[Attributes]:
    """Let the smallest combinations join those fully withheld, until these are enough."""
    if not rows or not rows[0]:
        return rows
    nothing = (WITHHELD,) * len(rows[0])
    sizes = Counter(rows)
    while 0 < sizes[nothing] < k and len(sizes) > 1:
        joins = min((size, row) for row, size in sizes.items() if row != nothing)[1]
        sizes[nothing] += sizes.pop(joins)
    return [row if row in sizes else nothing for row in rows]


def merged_steps(steps: Sequence[int], k: int) -> dict[int, tuple[int, int]]:
    """Steps of a scale, merged with their neighbours until each range holds at least ``k``.

    From the top down, since few are at the top; what is left at the bottom joins the range above.

    Args:
        steps: the step of each row.

    Returns:
        step -> (lowest, highest) step of its range; one range of all if there are fewer than ``k``.

    Examples:
        >>> merged_steps([9, 7, 7, 5, 5, 5], 3)
        {9: (7, 9), 7: (7, 9), 5: (5, 5)}
    """
    ranges: list[list[int]] = []
    held = k
    for step, size in sorted(Counter(steps).items(), reverse=True):
        if held >= k:
            ranges.append([])
            held = 0
        ranges[-1].append(step)
        held += size
    if held < k and len(ranges) > 1:
        rest = ranges.pop()
        ranges[-1] += rest
    return {step: (found[-1], found[0]) for found in ranges for step in found}


def commonest_first(texts: Sequence[Sequence[str]]) -> list[tuple[str, ...]]:
    """Each row's texts once, those that most rows hold first.

    Examples:
        >>> commonest_first([["gout", "falls"], ["falls"]])
        [('falls', 'gout'), ('falls',)]
    """
    held = Counter(text for row in texts for text in set(row))
    return [tuple(sorted(set(row), key=lambda text: (-held[text], text))) for row in texts]
