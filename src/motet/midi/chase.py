"""The state of a MIDI channel at a moment, and the messages that bring a fresh synth to it."""

from collections.abc import Iterable

from motet.midi.events import BEND, CONTROL, PRESSURE, PROGRAM, SYSEX, Event

# RP-015, "Response to Reset All Controllers": what message 121 takes back; volume, pan, bank and effects stay.
_TAKEN_BACK = frozenset((1, 2, 4, 11, 64, 65, 66, 67, 68, 69, 84))
_NOTHING_SELECTED = (101, 127, 127)
_RESETS = (
    b"\x7e\x7f\x09\x01",  # General MIDI on
    b"\x7e\x7f\x09\x02",  # General MIDI off
    b"\x7e\x7f\x09\x03",  # General MIDI 2 on
    b"\x41\x10\x42\x12\x40\x00\x7f\x00",  # Roland GS reset
    b"\x41\x10\x42\x12\x00\x00\x7f",  # Roland SC-88 mode set
    b"\x43\x10\x4c\x00\x00\x7e\x00",  # Yamaha XG on
)


def is_reset(event: Event) -> bool:
    """Whether an event is a system exclusive message that puts a synth back to its first state."""
    return event[1] == SYSEX and event[2].startswith(_RESETS)


def chase(events: Iterable[Event], channel: int) -> list[tuple[int, bytes]]:
    """Messages (status, data) that leave `channel` as `events` would: one for each thing that was set.

    Notes, poly pressure, data increments, and messages of other channels are passed over. A program is preceded by the
    bank in force when it was chosen.
    """
    controls: dict[int, int] = {}
    parameters: dict[tuple[int, int, int], dict[int, int]] = {}
    selected = _NOTHING_SELECTED
    bend = pressure = program = b""
    bank: dict[int, int] = {}
    for event in events:
        _, status, data = event
        if is_reset(event):
            # The program stays: tracks say it once, and many a file sends its reset late.
            controls, parameters, selected = {}, {}, _NOTHING_SELECTED
            bend = pressure = b""
        elif status == PROGRAM | channel:
            program = data
            bank = {number: controls[number] for number in (0, 32) if number in controls}
        elif status == BEND | channel:
            bend = data
        elif status == PRESSURE | channel:
            pressure = data
        elif status == CONTROL | channel:
            number, value = data
            if number == 121:
                controls = {other: held for other, held in controls.items() if other not in _TAKEN_BACK}
                selected = _NOTHING_SELECTED
                bend = pressure = b""
            elif number in (98, 100):
                selected = (number + 1, selected[1] if selected[0] == number + 1 else 127, value)
            elif number in (99, 101):
                selected = (number, value, selected[2] if selected[0] == number else 127)
            elif number in (6, 38):
                if selected[1:] != (127, 127):
                    parameters.setdefault(selected, {})[number] = value
            elif number < 120 and number not in (96, 97):
                controls[number] = value
    messages = [(CONTROL | channel, bytes(pair)) for pair in sorted(bank.items())]
    if program:
        messages.append((PROGRAM | channel, program))
    messages += [(CONTROL | channel, bytes(pair)) for pair in sorted(controls.items()) if pair not in bank.items()]
    for parameter, values in parameters.items():
        messages += _select(channel, parameter)
        messages += [(CONTROL | channel, bytes(pair)) for pair in sorted(values.items())]
    if parameters or selected != _NOTHING_SELECTED:
        messages += _select(channel, selected)
    if bend:
        messages.append((BEND | channel, bend))
    if pressure:
        messages.append((PRESSURE | channel, pressure))
    return messages


def _select(channel: int, parameter: tuple[int, int, int]) -> list[tuple[int, bytes]]:
    """The two controls that select a registered (101, 100) or non-registered (99, 98) parameter."""
    number, high, low = parameter
    return [(CONTROL | channel, bytes((number, high))), (CONTROL | channel, bytes((number - 1, low)))]
