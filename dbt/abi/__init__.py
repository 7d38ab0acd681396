"""The contract between generated code, the engines and the runtime: layouts, enums and tables. Depends on ``dbt.ir`` only."""
