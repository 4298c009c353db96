"""The card of a dataset: README.md with front matter as the Hugging Face Hub reads it, its plots, and LICENSE.md.

facts = CardFacts("Tunes", measure(examples()), recipe="text-to-music", command="motet build …")
for name, data in card(facts).items(): …

The data statement asks what Gebru et al. (Datasheets for Datasets, 2021) and Bender & Friedman (Data Statements for Natural
Language Processing, 2018) ask, and answers from the facts alone: what nobody told is said to be not known.
"""

from __future__ import annotations

from motet.export.card.facts import CardFacts, DropLine, Origin, Quality, SplitProof, StageLine
from motet.export.card.figures import Captions, Counts, Histogram, Measured, Sample, SplitLine, measure
from motet.export.card.plotting import Plot, plots
from motet.export.card.terms import licence_file
from motet.export.card.writing import readme

__all__ = [
    "Captions", "CardFacts", "Counts", "DropLine", "Histogram", "Measured", "Origin", "Plot", "Quality", "Sample",
    "SplitLine", "SplitProof", "StageLine", "card", "measure", "plots",
]  # fmt: skip


def card(facts: CardFacts) -> dict[str, bytes]:
    """The files of a card by their names: README.md, LICENSE.md and card/*.svg. Equal facts give equal bytes."""
    drawn = plots(facts.measured, facts.drops)
    files = {"README.md": readme(facts, drawn), "LICENSE.md": licence_file(facts.measured.licences)}
    files |= {f"card/{plot.name}.svg": plot.svg for plot in drawn}
    return {name: text.encode("utf-8") for name, text in files.items()}
