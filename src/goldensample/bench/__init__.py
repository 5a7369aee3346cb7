"""Benchmark harness: suites of runs, raw results, and tables and figures made from them."""
