"""`python -m goldensample.cli` is `golden`."""

from goldensample.cli.app import main

main()
