"""Rows on many machines: Ray starts a crew on each node, and the driver deals tasks out to them."""
