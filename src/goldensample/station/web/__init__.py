"""Pages for people and an API for machines.

`app.make` builds the application.
"""
