"""Code that runs only under SwiftBar."""
