"""Fakes and their own tests: SwiftBar's rules, a recording proxy, programs, replayed recordings."""
