"""Songs are listened to as notes: pulse, metre, key, chords, sections, instruments and their roles, words."""

from __future__ import annotations

from motet import midi
from motet.dataset.rows import File, MidiFacts, Song
from motet.run import Drop, stage
from motet.stages.clean import read_source


@stage(version=5, uses=["sha256", "files.sha256", "files.size"], timeout=60, libraries=["symusic", "numpy"])
def midi_facts(song: Song, file: File) -> MidiFacts | Drop:
    data = read_source(file)
    try:
        passage = midi.Passage.whole(midi.read(data))
        found = midi.describe(passage)
        sections = midi.describe_sections(passage, found)
        words = midi.words(data)
    except midi.Unreadable as error:
        return Drop(error.reason, error.detail)
    tap, metre, key, feel, heard = found.tap, found.metre, found.key, found.feel, found.texture
    return MidiFacts(
        tap=_short(tap.tempo) if tap else None,
        tap_confidence=_short(tap.confidence) if tap else 0.0,
        tap_runner_up=_short(tap.runner_up) if tap and tap.runner_up else None,
        tap_quarters=_short(tap.quarters) if tap else None,
        follows_map=tap.follows_map if tap else None,
        metre=f"{metre.numerator}/{metre.denominator}" if metre else "",
        metre_written=bool(metre and metre.written),
        metre_confidence=_short(metre.confidence) if metre and metre.confidence is not None else None,
        key=key.name if key else None,
        key_tonic=key.tonic if key else None,
        key_mode=key.mode if key else None,
        key_confidence=_short(key.confidence) if key else None,
        key_runner_up=key.runner_up_name if key else None,
        key_runner_up_confidence=_short(key.runner_up_confidence) if key else None,
        chord_ticks=[chord.start for chord in found.chords],
        chords=[chord.symbol for chord in found.chords],
        chord_confidences=[_short(chord.confidence) for chord in found.chords],
        pitch_classes=[_short(share) for share in heard.pitch_classes or ()],
        notes_per_second=_short(heard.notes_per_second),
        sounding=_short(heard.sounding),
        polyphony=_short(heard.polyphony) if heard.polyphony else None,
        polyphony_most=heard.polyphony_most,
        pitch_median=heard.pitch_median,
        velocity_mean=_short(heard.velocity_mean) if heard.velocity_mean else None,
        velocity_spread=None if heard.velocity_spread is None else _short(heard.velocity_spread),
        quantised=feel.quantised if feel else None,
        quantised_confidence=_short(feel.confidence) if feel else None,
        grid=feel.grid if feel else None,
        deviation_ms=_short(feel.deviation) if feel and feel.deviation is not None else None,
        swing=_short(feel.swing) if feel and feel.swing else None,
        swing_confidence=_short(feel.swing_confidence) if feel else 0.0,
        instruments=[one.name for one in found.instruments],
        instrument_tracks=[one.track for one in found.instruments],
        instrument_programs=[one.program for one in found.instruments],
        instrument_drums=[one.is_drum for one in found.instruments],
        instrument_families=[one.family for one in found.instruments],
        instrument_roles=[one.role for one in found.instruments],
        instrument_role_confidences=[_short(one.confidence) for one in found.instruments],
        instrument_shares=[_short(one.share) for one in found.instruments],
        section_ticks=[one.section.start for one in sections],
        section_end=sections[-1].section.end if sections else 0,
        section_labels=[one.section.label for one in sections],
        section_confidences=[_short(one.section.confidence) for one in sections],
        section_keys=[one.key.name if one.key else "" for one in sections],
        section_key_confidences=[_short(one.key.confidence) if one.key else 0.0 for one in sections],
        section_tempos=[_short(one.tempo) for one in sections],
        section_lufs=[_short(one.lufs) for one in sections],
        lufs=_short(found.lufs),
        energy=_short(found.energy),
        acousticness=None if found.acousticness is None else _short(found.acousticness),
        title=words.title,
        language=words.language,
        lyrics=words.lyrics,
        texts=[text.text for text in words.texts],
        copyrights=[text.text for text in words.copyrights],
        track_names=[text.text for text in words.track_names],
    )


def _short(value: float) -> float:
    """Five digits after the point: the rest is noise, and would differ between machines."""
    return round(value, 5)
