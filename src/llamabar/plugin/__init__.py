"""What runs only under SwiftBar."""
