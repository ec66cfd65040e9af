"""A small dataset with slips, for linking from a file."""

from __future__ import annotations

import random

import pyarrow as pa

FORENAMES = "ann bob cara dev ella femi gita hal ines jon kit lena mo nia omar pia".split()  # noqa: SIM905
SURNAMES = "adams bello chan doyle evans fry gupta hughes ivanov jones khan lopez".split()  # noqa: SIM905


def made_up(people=240):
    """Records of people: every second one twice, every third one thrice, with slips."""
    rng = random.Random(5)
    rows = []
    for i in range(people):
        row = {
            "id": f"a{i}",
            "who": str(i),
            "first_name": rng.choice(FORENAMES),
            "surname": rng.choice(SURNAMES) + rng.choice(SURNAMES),
            "dob": f"{rng.randint(1940, 2010)}-{rng.randint(1, 12):02d}-{rng.randint(1, 28):02d}",
            "city": rng.choice(("york", "leeds", "hull")),
            "email": f"{rng.getrandbits(24):x}@mail.org" if i % 4 else None,
        }
        rows.append(row)
        if i % 2 == 0:
            slip = rng.choice(("", "e"))
            rows.append(row | {"id": f"b{i}", "surname": row["surname"] + slip})
        if i % 3 == 0:
            rows.append(row | {"id": f"c{i}", "city": None})
    return pa.Table.from_pylist(rows)
