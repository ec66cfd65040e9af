"""What an agency writes down of the addresses it knows."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from riskstrat.synthetic.addresses import NOWHERE, Addresses
from riskstrat.synthetic.agencies import Agency
from riskstrat.synthetic.entries import Entries
from riskstrat.synthetic.error_rates import place_rate
from riskstrat.synthetic.frames import BoolArray, IntArray
from riskstrat.synthetic.identities import Identities
from riskstrat.synthetic.mistakes import Clerk, objects, texts, unspaced, written
from riskstrat.synthetic.slips import address_typo, on_rows, postcode_typo


def place_index(
    name: str,
    agency: Agency,
    entries: Entries,
    identities: Identities,
    rng: np.random.Generator,
) -> tuple[pa.Table, Clerk]:
    """The index of addresses of one agency in one block, and the errors that were made in it.

    Args:
        name: of the agency.
        agency: how it keeps records.
        entries: one for each address; units are homes.
        identities: the true addresses.
        rng: of all that goes wrong.

    Returns:
        `address_id, uprn, address, postcode`, in the order of the ids.
    """
    addresses, home = identities.addresses, entries.unit
    clerk = Clerk(
        lambda error: place_rate(name, error, identities.home_fifth[home]), len(entries), rng
    )
    somewhere = addresses.kind[home] != NOWHERE
    clerk.note({"no_fixed_abode": np.flatnonzero(~somewhere)})
    columns = {
        "address_id": entries.local_id,
        "uprn": _uprns(clerk, addresses, home, somewhere),
        "address": _addresses(clerk, addresses, home, somewhere, agency),
        "postcode": _postcodes(clerk, addresses, home, somewhere, agency),
    }
    return pa.table(columns).sort_by("address_id"), clerk


def _uprns(clerk: Clerk, addresses: Addresses, home: IntArray, somewhere: BoolArray) -> pa.Array:
    uprn = objects(addresses.uprn.take(pa.array(home)))
    errors = ("uprn_missing", "uprn_of_another", "uprn_zeros_lost")
    found = clerk.errs(*errors, where=dict.fromkeys(errors, somewhere))
    rows = found["uprn_of_another"]
    uprn[rows] = objects(addresses.uprn.take(pa.array((home[rows] + 1) % len(addresses.kind))))
    for row in found["uprn_zeros_lost"]:
        uprn[row] = uprn[row].lstrip("0")
    uprn[found["uprn_missing"]] = None
    return texts(uprn)


def _addresses(
    clerk: Clerk, addresses: Addresses, home: IntArray, somewhere: BoolArray, agency: Agency
) -> pa.Array:
    lines = objects(written(addresses.written, home, clerk.one_of(agency.written)))
    errors = ("address_missing", "address_typo")
    found = clerk.errs(*errors, where=dict.fromkeys(errors, somewhere))
    on_rows(lines, found["address_typo"], address_typo, clerk.rng)
    lines[found["address_missing"]] = None
    return texts(lines)


def _postcodes(
    clerk: Clerk, addresses: Addresses, home: IntArray, somewhere: BoolArray, agency: Agency
) -> pa.Array:
    postcode = objects(addresses.postcode.take(pa.array(home)))
    errors = ("postcode_missing", "postcode_typo")
    found = clerk.errs(*errors, where=dict.fromkeys(errors, somewhere))
    on_rows(postcode, found["postcode_typo"], postcode_typo, clerk.rng)
    postcode[found["postcode_missing"]] = None
    return unspaced(texts(postcode), clerk.some(agency.spaced))
