"""Small stages for testing the engine: numbers read from text files, with faults planted on purpose."""
