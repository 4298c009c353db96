"""Genres, moods and instruments that a model hears in a recording: what the model is, a YAML file of the user's says.

kind: onnx                        # or function, clap, essentia
model: genres.onnx                # beside this file; of a function package.module:function, of clap a folder
labels_file: genres.txt           # a label a line, or a JSON list; or labels: [rock, jazz]
tag_kind: genre                   # or a kind for each label; without it the vocabulary of tags tells
rate: 16000
seconds: 10
activation: sigmoid
threshold: 0.3
licence: CC-BY-4.0

tagger = load(Path("genres.yaml"))
tagger.tags(mono, rate)           # [SoundTag("hip hop", "genre", 1.0, 0.83, "genres"), …]
"""

from motet.audio.tagging.tagger import SoundTag, Tagger, digest, load, nothing

__all__ = ["SoundTag", "Tagger", "digest", "load", "nothing"]
