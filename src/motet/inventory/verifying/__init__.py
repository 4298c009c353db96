"""Whether the bytes are what they should be: hashes, decoding in processes that may be killed, what is silent or damaged."""
