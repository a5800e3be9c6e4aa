"""Runs that the desk did not make, read from files line by line: JSON Lines, CSV, flow execution data, pasted payloads.

Pure and in constant memory: bytes come in, each line goes out as an `ImportedRun` or as a sentence with its number. What
can't be read never stops the rest. What had to be assumed (an encoding, a zone) is said in `Reading.notes`.

    lines    bytes of any encoding -> numbered lines          values   texts -> instants, numbers, outcomes
    runs     a record with names -> one run                   records  JSON Lines
    columns  which column means what                          tables   CSV
                                                              flows    flow execution data of Genesys Cloud
    pasted   payloads, log lines and mails in one paste       archive  a Parquet file that the desk wrote
"""

from wfm.domain.imports.archive import read_parquet
from wfm.domain.imports.columns import MEANINGS, mapping_for
from wfm.domain.imports.flows import read_flow_data
from wfm.domain.imports.lines import LONGEST_LINE, lines_of
from wfm.domain.imports.pasted import read_payloads
from wfm.domain.imports.records import columns_of_records, read_json_lines
from wfm.domain.imports.runs import ImportedRun, Read, Reading, Unreadable, run_from
from wfm.domain.imports.tables import columns_of_table, read_csv

LARGEST_DOCUMENT = 32_000_000
"""Bytes of a flow execution file or of pasted text, which are held whole. JSON Lines and CSV have no limit."""

__all__ = [
    "LARGEST_DOCUMENT",
    "LONGEST_LINE",
    "MEANINGS",
    "ImportedRun",
    "Read",
    "Reading",
    "Unreadable",
    "columns_of_records",
    "columns_of_table",
    "lines_of",
    "mapping_for",
    "read_csv",
    "read_flow_data",
    "read_json_lines",
    "read_parquet",
    "read_payloads",
    "run_from",
]
