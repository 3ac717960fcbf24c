"""Tools of build.py: the archive, the layer rule, benchmarks, live checks."""
