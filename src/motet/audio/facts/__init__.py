"""What a recording is like, from its samples alone: pulse, key, loudness, timbre, form."""
