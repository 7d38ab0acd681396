"""How long tests wait for what must come. A machine may be slow, have one processor and be busy with other things: no test may fail for that."""

SECONDS = 600  # for a process or an event; a whole test has half as much again (pyproject.toml)
