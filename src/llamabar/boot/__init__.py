"""How the one file starts. Law: before the first frame nothing but the standard library's smallest modules."""
