"""The settings: one table of options, the file, the environment, keys and discovery."""
