"""`python -m goldensample.cli` is `golden`."""

from goldensample.cli import main

main()
