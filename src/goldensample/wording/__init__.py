"""What command line and station both say: sentences and JSON.

`limits.promise` says what a limit promises; `regions.regions_json` tells regions.
"""
