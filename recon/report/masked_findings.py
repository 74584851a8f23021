"""Mask the phone numbers of findings, for a CSV that is sent to others."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import pandas as pd

from recon.core.phones import mask
from recon.model import Run
from recon.report.masking import mask_numbers

_NUMBERS: Final = ("phone_number", "local_phone_number")

#: Columns whose texts may repeat a number.
_TEXTS: Final = (
    "message_id",
    "local_id",
    "local_status",
    "provider_status",
    "failure_reason",
    "detail",
)


def masked(run: Run) -> Run:
    """Return the run with phone numbers masked in all columns of its findings."""
    findings = run.verdict.findings.reset_index(drop=True)
    numbers = [findings[name] for name in _NUMBERS]
    columns = {name: findings[name].map(mask, na_action="ignore") for name in _NUMBERS}
    for name in _TEXTS:
        # Few texts hold a digit at all, but for ids.
        digits = findings[name].str.contains(r"\d", na=False)
        texts = findings.loc[digits, name]
        rows = zip(texts, *(column[digits] for column in numbers), strict=True)
        said = [
            mask_numbers(text, [None if pd.isna(one) else one for one in spelled])
            for text, *spelled in rows
        ]
        shown = pd.Series(said, index=texts.index, dtype="object")
        columns[name] = shown.reindex(findings.index).combine_first(findings[name])
    kept = {name: column.astype(findings[name].dtype) for name, column in columns.items()}
    return replace(run, verdict=replace(run.verdict, findings=findings.assign(**kept)))
