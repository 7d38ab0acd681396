"""VFP encodings, in A32 form (see ``dbt.frontend.arm.tables``)."""

ROWS = """
"""
