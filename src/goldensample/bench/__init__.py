"""The harness: suites of runs, raw results, and tables and figures as views of them."""
