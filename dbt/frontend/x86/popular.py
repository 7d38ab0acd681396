"""Instructions whose shapes (``dbt.frontend.form``) programs have most often, by arch: see ``dbt.frontend.arm.popular``. Bytes in hexadecimal."""

POPULAR: dict[str, str] = {"i386": "", "x86_64": ""}
