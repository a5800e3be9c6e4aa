"""Runs that the desk did not make, read from files line by line: JSON Lines, CSV, flow execution data, pasted payloads.

Pure and in constant memory: bytes come in, each line goes out as an `ImportedRun` or as a sentence with its number. What
can't be read never stops the rest. What had to be assumed (an encoding, a zone) is said in `ImportContext.notes`.

    records          a record with names -> one run           json_lines, csv_tables
    column_mapping   which column means what, by its name     flow_executions  flow execution data of Genesys Cloud
    column_inference the same, by its cells                   pasted_payloads  payloads, log lines and mails in one paste
    cell_values      texts -> instants, numbers, outcomes     parquet          a Parquet file that the desk wrote
"""

from wfm.files.imports.column_mapping import MEANINGS as MEANINGS
from wfm.files.imports.csv_tables import columns_of_table as columns_of_table
from wfm.files.imports.csv_tables import read_csv as read_csv
from wfm.files.imports.flow_executions import read_flow_data as read_flow_data
from wfm.files.imports.json_lines import columns_of_records as columns_of_records
from wfm.files.imports.json_lines import read_json_lines as read_json_lines
from wfm.files.imports.parquet import read_parquet as read_parquet
from wfm.files.imports.pasted_payloads import read_payloads as read_payloads
from wfm.files.imports.records import ImportContext as ImportContext
from wfm.files.imports.records import Read as Read

MAX_DOCUMENT_BYTES = 32_000_000
"""Bytes of a flow execution file or of pasted text, which are held whole. JSON Lines and CSV have no limit."""
