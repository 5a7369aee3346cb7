"""What a station stores: rows, files, and for how long.

`ledger.Ledger` is the database of records; `archive.Archive` the store of files;
`retention.Retention` deletes old ones.
"""
