"""What a station keeps: rows, files, and for how long.

`ledger.Ledger` holds records; `archive.Archive` holds files.
"""
