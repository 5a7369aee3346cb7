"""The command `golden`. Results go to stdout, everything else to stderr.

`app.main` runs it; each command is a file of its name.
"""
