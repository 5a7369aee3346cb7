"""The inspection station: pages and an API for people and machines on the line. Extra [station].

The main path: `api.inspect` → `line.Line.submit` → `Line._inspect_batch` → `ledger.Ledger.add`.
"""
