"""The dataset folder: tables, media, the record of work, and the snapshot that says what is live."""
