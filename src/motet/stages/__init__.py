"""The pipeline, one short file per stage: a stage joins a domain room to rows, and a file's name is its stage's."""
