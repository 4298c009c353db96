"""From recordings to clips: decoding, levels, separation, chunks, and what can be measured in sound."""
