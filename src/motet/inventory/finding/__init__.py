"""Whose files these are, in which state, and what was made of them."""
