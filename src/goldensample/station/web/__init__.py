"""Pages for people and an API for machines.

`app.create_app` builds the application.
"""
