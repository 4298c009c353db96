"""What is on these disks: which datasets, whether they are whole, what is missing, and how to get it."""
