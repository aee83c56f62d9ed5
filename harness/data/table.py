"""Tables of predictions or samples made elsewhere: the one door to reading, joining and converting them.

Importing this module imports pandas and Arrow; import it where a table is read, not before.
"""

from __future__ import annotations

from harness.data.class_table import class_answers
from harness.data.files import as_table, read_table
from harness.data.frame import Table, TableLike
from harness.data.joining import join
from harness.data.table_samples import samples_from_table

__all__ = ["Table", "TableLike", "as_table", "class_answers", "join", "read_table", "samples_from_table"]
