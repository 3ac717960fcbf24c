"""Stand-ins and their own tests: SwiftBar's rules, a recording proxy, programs, recordings played back."""
