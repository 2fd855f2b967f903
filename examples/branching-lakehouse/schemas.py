"""What a branch must be before it may become main: Pandera schemas by table, in CHECKS.

Each table is looked at as a whole, so a key that was there before is found as well.
"""

import pandera.pandas as pa


class Meters(pa.DataFrameModel):
    meter_id: int = pa.Field(unique=True, ge=1)
    model: str = pa.Field(isin=["Libra 2", "Dexter G6", "Guard 4"])
    patient: str


class GlucoseEntries(pa.DataFrameModel):
    entry_id: int = pa.Field(unique=True)
    batch: int = pa.Field(ge=1)
    meter_id: int = pa.Field(ge=1, le=40)
    mg_dl: float = pa.Field(ge=20, le=600)  # outside of it no meter measures


class Batches(pa.DataFrameModel):
    batch: int = pa.Field(unique=True)
    entries: int = pa.Field(eq=200)


CHECKS = {
    "raw.meters": Meters,
    "raw.glucose_entries": GlucoseEntries,
    "raw.batches": Batches,
}
