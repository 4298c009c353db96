"""Keeping a dataset in order: what is wrong with it, how it is mended, what may go, and how an older one is read."""
