"""What is wrong on this computer and what to do about it: findings from collected facts, and nothing but values."""
