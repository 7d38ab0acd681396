"""IR to tier-0 records (format: ``dbt.abi.records``): ``encode`` writes them, ``operands`` and ``cells`` say of which values and where those live."""
