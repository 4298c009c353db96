"""Every file of every folder and archive, seen in every scan, opened once."""
