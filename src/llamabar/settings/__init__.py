"""The settings: the table of options, the file, the environment, secrets and discovery."""
