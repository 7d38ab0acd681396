"""The intermediate representation. Imports nothing else of this project."""
