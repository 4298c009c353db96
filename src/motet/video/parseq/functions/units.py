"""Frames, seconds and beats turned into each other."""

from motet.video.parseq.functions.definition import Argument, Function
from motet.video.parseq.values import number

__all__ = ["UNITS"]

VALUE = (Argument(("v",)),)
UNITS = {
    "f2b": Function(VALUE, lambda moment, place, values: number(values[0]) / (moment.fps * 60 / moment.bpm)),
    "f2s": Function(VALUE, lambda moment, place, values: number(values[0]) / moment.fps),
    "b2f": Function(VALUE, lambda moment, place, values: number(values[0]) * (moment.fps * 60 / moment.bpm)),
    "s2f": Function(VALUE, lambda moment, place, values: number(values[0]) * moment.fps),
}
