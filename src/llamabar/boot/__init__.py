"""How the single file starts. Law: only the smallest standard library modules before the first frame."""
