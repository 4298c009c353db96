"""Music in film: which songs a film uses, where they play, and which MIDI goes along with them."""
