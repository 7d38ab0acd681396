"""T16 encodings of the integer instructions (see ``dbt.frontend.decode``)."""

ROWS = """
"""
