"""What can be shown of a piece of guest code on its way to host code, one view a stage of ``dbt.pipeline.STAGES``."""
