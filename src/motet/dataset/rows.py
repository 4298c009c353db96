"""The rows of every table, in one place.

A row has an identity that the engine fills in and a payload that a stage computes:

- `id`      unique in its table and stable: a file's id, then `.p003` (part), `.c012` (clip) and so on.
- `source`  the id of the file it all came from.
- `path`    that file as a person knows it (`Artist/Title.mid`).
- `lineage` the same chain with the file's content in place of its name: renaming a file changes no random draw.

The payload never holds an identity, so equal content is computed once, whatever it is called.

The songs and the clips of recordings stand in tables of the same names as those of MIDI files, with columns of their own: a
stage that reads either uses columns that both have.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields
from typing import Any, ClassVar

IDENTITY = ("id", "source", "path", "lineage")


def locator(default: Any = MISSING) -> Any:
    """A field that tells where bytes lie, not what they are: it never enters a key."""
    return field(metadata={"locator": True}, default=default)


def media(default: Any = MISSING) -> Any:
    """A field that names a file of the dataset's media (a relative path with the content's hash)."""
    return field(metadata={"media": True}, default=default)


@dataclass(frozen=True, kw_only=True)
class Row:
    """What every table's rows share. `table` is the table's name, `letter` marks its ids below the source's."""

    table: ClassVar[str]
    letter: ClassVar[str] = ""
    # Factories, so that the class has no such attributes and a row shown only in part raises on them.
    id: str = field(default_factory=str)
    source: str = field(default_factory=str)
    path: str = field(default_factory=str)
    lineage: str = field(default_factory=str)


@dataclass(frozen=True, kw_only=True)
class File(Row):
    """A source file, or one member of an archive, as the scan found it."""

    table: ClassVar[str] = "files"
    root: str = locator()
    location: str = locator()
    member: int = locator()
    offset: int = locator()
    inner_path: str = locator()
    size: int
    sha256: str


@dataclass(frozen=True, kw_only=True)
class Song(Row):
    """A MIDI file that can be used, with the facts that need no theory. Times in seconds on the file's tempo map."""

    table: ClassVar[str] = "songs"
    sha256: str
    read_as: str  # "strict" or "sanitised"
    division: int  # as in the header: ticks per quarter, or SMPTE when negative
    seconds: float  # to the last note-off
    first_onset: float
    last_tick: int
    notes: int
    tracks: int
    tempo: float  # mean quarter notes per minute, weighted by time
    tempo_min: float
    tempo_max: float
    tempo_changes: list[list[int]]  # (tick, microseconds per quarter)
    metre_changes: list[list[int]]  # (tick, numerator, denominator)
    programs: list[int]
    has_drums: bool
    pitch_low: int
    pitch_high: int
    notes_digest: str


@dataclass(frozen=True, kw_only=True)
class Fingerprint(Row):
    """A song as the search for duplicates knows it."""

    table: ClassVar[str] = "fingerprints"
    sketch: bytes  # hashes of patterns of melody, 8 bytes each, ascending (see `motet.duplicates.candidates`)
    voices: bytes  # notes and who plays them, packed (see `motet.duplicates.patterns`)


@dataclass(frozen=True, kw_only=True)
class Duplicate(Row):
    """A song and another it is a duplicate of. Each pair stands once, with the song that ranks lower.

    `tempo` is how many times longer the same music lasts in this song; `offset` how many quarter notes later it begins.
    """

    table: ClassVar[str] = "duplicates"
    letter: ClassVar[str] = "d"
    level: str  # same_bytes | same_notes | hard | soft
    other: str
    other_path: str
    removed: bool  # whether this song went for the other
    cluster: str  # the survivor of the group this song is in, itself when it stays
    family: str  # the best of all songs linked to it, directly or through others: train and test share no family
    score: float  # 0-1
    transposition: int  # semitones above the other
    tempo: float
    offset: float
    shared: float  # of this song's notes
    other_shared: float  # of the other's
    contained: str  # "" | this | other: which is but a part of the other
    evidence: str


@dataclass(frozen=True, kw_only=True)
class MidiFacts(Row):
    """What a song's notes say of it. Ticks are the song's; confidences 0-1; what a song is too short to tell is null.

    `lufs`, `energy` and `acousticness` are estimates of Motet's own, made from notes (see `motet.midi.estimates`).
    """

    table: ClassVar[str] = "midi_facts"
    tap: float | None  # taps per minute of the pulse a listener would follow
    tap_confidence: float
    tap_runner_up: float | None
    tap_quarters: float | None  # written quarter notes of a tap
    follows_map: bool | None  # false: played without the file's own beat, so the tempo is estimated from onsets
    metre: str  # "3/4": the main one
    metre_written: bool
    metre_confidence: float | None
    key: str | None  # "E flat major"
    key_tonic: int | None  # 0 C to 11 B
    key_mode: str | None  # major | minor
    key_confidence: float | None
    key_runner_up: str | None
    key_runner_up_confidence: float | None
    chord_ticks: list[int]  # where each begins; it lasts until the next
    chords: list[str]  # "Am7/G", "N" for none
    chord_confidences: list[float]
    pitch_classes: list[float]  # shares of sounding time, C first; empty without pitched notes
    notes_per_second: float
    sounding: float  # share of the time in which any pitched note sounds
    polyphony: float | None
    polyphony_most: int
    pitch_median: float | None
    velocity_mean: float | None
    velocity_spread: float | None
    quantised: bool | None
    quantised_confidence: float | None
    grid: int | None  # steps per quarter note that explain the onsets
    deviation_ms: float | None
    swing: float | None  # long eighth over short
    swing_confidence: float
    instruments: list[str]
    instrument_tracks: list[int]
    instrument_programs: list[int]
    instrument_drums: list[bool]
    instrument_families: list[str]
    instrument_roles: list[str]
    instrument_role_confidences: list[float]
    instrument_shares: list[float]  # of the song's time in which each sounds
    section_ticks: list[int]  # where each begins; the last ends with `section_end`
    section_end: int
    section_labels: list[str]
    section_confidences: list[float]
    section_keys: list[str]  # "" where it cannot be told
    section_key_confidences: list[float]
    section_tempos: list[float]  # taps per minute
    section_lufs: list[float]
    lufs: float
    energy: float
    acousticness: float | None
    title: str  # as a karaoke file declares it
    language: str
    lyrics: str
    texts: list[str]
    copyrights: list[str]
    track_names: list[str]


@dataclass(frozen=True, kw_only=True)
class Identity(Row):
    """Which song it is, as far as its names tell (see `motet.naming`).

    At level "title only" several artists have that title and nothing tells which; "unidentified" has the best guess apart.
    """

    table: ClassVar[str] = "identities"
    artist: str
    title: str
    level: str  # artist and title | title only | unidentified
    probability: float  # of being right at that level, 0-1
    guess_artist: str
    guess_title: str
    penalties: list[str]  # what speaks against the match, with its weight
    read_from: str  # "file name", "track name" and so on; "" without a guess
    isrc: str
    musicbrainz_recording: str


@dataclass(frozen=True, kw_only=True)
class Knowledge(Row):
    """What others say of a song, each with its source. Lists of one kind belong together item by item."""

    table: ClassVar[str] = "knowledge"
    asked: list[str]  # sources
    answers: list[str]  # of each: found | not_found | refused | offline | unanswered
    asked_at: list[str]  # ISO 8601, UTC; "" where none was asked
    tags: list[str]
    tag_kinds: list[str]  # genre | mood | instrument | era | region | other
    tag_weights: list[float]  # 0-1
    tag_confidences: list[float]  # that the kind is right, 0-1
    tag_sources: list[list[str]]
    fact_names: list[str]
    fact_values: list[str]  # as JSON
    fact_sources: list[str]
    fact_times: list[str]
    fact_confidences: list[float]
    fact_chosen: list[bool]  # which of several for one name is taken, by the rule in docs/tags.md
    identifiers: list[str]  # "isrc:…", "musicbrainz_recording:…", "spotify_url:…"
    left_empty: list[str]  # what nobody could say, and why


@dataclass(frozen=True, kw_only=True)
class Part(Row):
    """One instrument of a song, as a MIDI file of its own."""

    table: ClassVar[str] = "parts"
    letter: ClassVar[str] = "p"
    index: int
    midi: str = media()
    name: str  # unlike that of any other part of the song
    role: str  # melody | bass | chords | pad | other | drums
    program: int
    is_drum: bool
    channel: int  # the song's, from 0
    track_name: str
    notes: int
    first_onset: float
    last_off: float
    pitch_low: int
    pitch_high: int
    left_out: list[str]  # on a song's first part: what plays in none of them, and why


@dataclass(frozen=True, kw_only=True)
class Stem(Row):
    """The sound of one part in one take of its song. `audio` times 10^(stored_gain_db/20) is what was heard when it was made.

    `midi` is what was played: the part's own file, or that file transposed, at another speed or by hands, as take and rack say.
    `patch` is what it was played with, to the last number (see `motet.render.Patch`): both together give the audio again.
    """

    table: ClassVar[str] = "stems"
    letter: ClassVar[str] = "t"
    index: int  # the part's
    take: int  # 0 is the song as written
    midi: str = media()
    audio: str = media()
    rate: int
    channels: int
    frames: int
    stored_gain_db: float
    peak_db: float | None  # of what was played, dBFS; null when silent
    lufs: float | None  # its integrated loudness; null below the gates of BS.1770
    silent: bool
    role: str  # the part's
    kind: str  # percussive | plucked | sustained | noise: how its notes begin
    volume_db: float  # what the part's own volume and expression make it louder than General MIDI's default
    transpose: int  # semitones
    speed: float
    timing_ms: float  # standard deviations of what hands add
    velocity_spread: float
    seed: int  # of what hands add
    patch: str  # JSON
    repeatable: bool  # whether playing it again gives the same bytes
    instead_of: list[str]  # what the rack would rather have played it with, and why that failed
    sound: str  # the file that made it, by name
    licence: str
    sounds_like: int | None  # General MIDI program, where that is not the part's
    effects: list[str]  # in signal order
    heard: str  # JSON: what its sound tells beside its notes (see `motet.render.hearing`)


@dataclass(frozen=True, kw_only=True)
class AudioCheck(Row):
    """Whether a stem sounds as its notes say. `faults` and `details` belong together item by item; without any it passes."""

    table: ClassVar[str] = "audio_checks"
    index: int
    take: int
    kind: str  # percussive | plucked | sustained | noise
    faults: list[str]
    details: list[str]
    onset_f1: float | None
    offset_ms: float | None  # median, of sound after note
    tuning_cents: float | None  # median, sharp above 0
    instrument: str  # its name in the rack
    sound: str


@dataclass(frozen=True, kw_only=True)
class Mix(Row):
    """All stems of a song's take summed: each stored stem times its gain gives the mix."""

    table: ClassVar[str] = "mixes"
    letter: ClassVar[str] = "t"
    take: int
    audio: str = media()
    rate: int
    channels: int
    frames: int
    seconds: float
    gain_db: float
    lufs: float | None  # integrated loudness reached, BS.1770; null below its gates
    true_peak_db: float | None
    ceiling_won: bool
    stem_indices: list[int]
    stem_gains_db: list[float]
    missing_stems: list[int]
    peaks: list[int]  # min and max pairs, -127..127, for a picture
    transpose: int  # semitones
    speed: float
    sounds: list[str]  # files that made its stems, each once
    licences: list[str]  # theirs, item by item
    repeatable: bool  # whether playing its stems again gives the same bytes


@dataclass(frozen=True, kw_only=True)
class Clip(Row):
    """A span of a song's mix cut at bar lines, with the facts of that span."""

    table: ClassVar[str] = "clips"
    letter: ClassVar[str] = "c"
    index: int
    take: int
    audio: str = media()
    rate: int
    start_frame: int
    end_frame: int
    start: float
    end: float
    start_tick: int
    end_tick: int
    first_bar: int  # counted from 1
    bars: int  # bar lines from the start to before the end
    sections: list[str]  # labels of the song's sections it lies in, in order
    tempo: float
    tempo_steady: bool
    metre: str  # "3/4"; "" when it changes inside
    tap: float | None  # taps per minute of the pulse a listener would follow
    tap_confidence: float
    key: str | None  # "E flat major"
    key_confidence: float | None
    chord_ticks: list[int]
    chords: list[str]  # "Am7/G", "N" for none
    notes: int
    notes_per_second: float
    polyphony: float | None
    instruments: list[str]  # by share of notes, drums last
    instrument_notes: list[int]
    instrument_roles: list[str]
    has_drums: bool
    lufs: float | None
    record: str  # what its notes tell, as JSON: a fact record without tags (docs/captions.md)


@dataclass(frozen=True, kw_only=True)
class VideoPlan(Row):
    """A window of a song's mix from bar line to bar line, and what its notes will move in a picture, frame by frame."""

    table: ClassVar[str] = "plans"
    letter: ClassVar[str] = "v"
    index: int
    take: int
    midi: str = media()  # the window's notes as they are heard, a file of its own
    audio: str = media()  # the mix
    rate: int
    start_frame: int  # of the mix
    end_frame: int
    start: float  # seconds of the song
    end: float
    start_tick: int
    end_tick: int
    first_bar: int  # counted from 1
    bars: int
    mapping: str
    theme: str
    mood: str
    prompt: str
    key: str | None
    tempo: float  # beats of the metre per minute, the mean
    metre: str  # "" when it changes inside
    fps: str  # "24" or "30000/1001"
    frames: int
    width: int
    height: int
    events: int  # onsets that move something
    notes: int  # all onsets
    seed: int
    manifest: str = media()  # a Parseq document, rendered (docs/recipes/midi-video.md)
    sounds: list[str]
    licences: list[str]  # of the sounds, item by item


@dataclass(frozen=True, kw_only=True)
class Film(Row):
    """A window as a finished film: H.264 pictures with the mix as AAC, and the mix of the window as MP3 beside it."""

    table: ClassVar[str] = "films"
    video: str = media()
    sound: str = media()
    manifest: str = media()  # what it was made from
    width: int
    height: int
    fps: str
    frames: int
    seconds: float
    renderer: str  # painter | deforum | diffusion
    model: str  # "" for the painter
    model_licence: str


@dataclass(frozen=True, kw_only=True)
class SyncCheck(Row):
    """What the finished film shows against what was planned: frames where the picture changes, and onsets in its sound.

    `faults` and `details` belong together item by item; without any it passes.
    """

    table: ClassVar[str] = "sync_checks"
    planned: int  # frames at which events are planned
    judged: int  # of these, at least four frames from their neighbours
    changes: int  # frames where the picture changes
    precision: float | None
    recall: float | None
    f1: float | None
    f1_all: float | None  # the same of all planned frames, however close: some run into one
    error_ms: float | None  # mean distance of a change from the moment of its notes
    error_ms_worst: float | None
    audio_f1: float | None  # onsets of the sound against the planned moments
    av_align: float | None
    beat_alignment: float | None
    faults: list[str]
    details: list[str]


@dataclass(frozen=True, kw_only=True)
class Draft(Row):
    """What was written about a clip, not yet checked. Lists belong together item by item: one for each text."""

    table: ClassVar[str] = "drafts"
    texts: list[str]
    forms: list[str]  # short | long | tags | question
    writers: list[str]  # grammar | llm
    models: list[str]  # "" where none was asked
    prompt_versions: list[str]
    wrong: list[list[str]]  # what was wrong with answers of a model that this text stands for
    numbers: bool  # whether beats per minute and seconds may be given
    record: str  # all that was known of the clip, as JSON


@dataclass(frozen=True, kw_only=True)
class Caption(Row):
    """What is told of a clip: texts of which every claim is supported by its fact record. Lists as in `Draft`."""

    table: ClassVar[str] = "captions"
    text: str  # the first of `texts`
    texts: list[str]
    forms: list[str]
    writers: list[str]
    models: list[str]
    prompt_versions: list[str]
    claims: list[str]  # of each text, as JSON: what it claims, where, and what the record says to it
    wrong: list[list[str]]  # of each text, the claims for which the captions that it stands for were not taken
    known: list[str]  # the facts of the record that could be told
    told: list[str]  # and those of them that a text tells
    record: str


@dataclass(frozen=True, kw_only=True)
class Gathered(File):
    """A recording's file. `sheet` is what the site told that it was fetched from, as JSON; "" for one's own files."""

    sheet: str


@dataclass(frozen=True, kw_only=True)
class Recording(Row):
    """A recording that can be used: a song, for the stages that read no notes. Levels in dBFS."""

    table: ClassVar[str] = "songs"
    sha256: str
    content: str  # a digest of its samples: the same for a WAV and a FLAC of one master
    seconds: float  # decoded
    tempo: float | None  # null: each clip has its own
    rate: int
    channels: int
    layout: str  # "stereo", "5.1"
    codec: str
    container: str
    peak_db: float | None  # null when silent
    rms_db: float | None
    clipped: float  # share of samples
    silent: float  # share of time
    one_channel: bool  # all channels hold the same
    cut_off: str  # why it ends before its header says; "" if it does not
    print: bytes  # acoustic fingerprint, 4 bytes each (see `motet.audio.fingerprint`)


@dataclass(frozen=True, kw_only=True)
class Twin(Row):
    """A recording that is heard in another one too. Each pair stands once, with the recording that ranks lower."""

    table: ClassVar[str] = "twins"
    letter: ClassVar[str] = "d"
    level: str  # same_bytes | same_sound | near
    other: str
    other_path: str
    removed: bool  # whether this recording went for this other one
    family: str  # the best of all linked to it, directly or through others: train and test share no family
    score: float  # 0-1
    offset: float  # seconds that the other's beginning lies after this one's
    overlap: float  # seconds that both hold
    contained: str  # "" | this | other: which is but a part of the other


@dataclass(frozen=True, kw_only=True)
class Credits(Row):
    """What a recording's own tags and the page it came from say of it, not yet checked. "" where nobody says."""

    table: ClassVar[str] = "credits"
    artist: str
    title: str
    album: str
    date: str
    isrc: str
    genres: list[str]
    copyright: str
    licence: str  # as told
    licence_spdx: str
    page: str
    uploader: str
    fetched_at: str  # ISO 8601, UTC
    said_by: list[str]  # tags | page


@dataclass(frozen=True, kw_only=True)
class Separated(Row):
    """A recording, or one of the voices it was taken apart into, at its own rate. Of a whole one `audio` is null: it is the
    source itself."""

    table: ClassVar[str] = "separated"
    letter: ClassVar[str] = "v"
    stem: str  # mix | instrumental | vocals | drums | bass | other
    audio: str | None = media()
    rate: int
    channels: int
    layout: str
    frames: int
    method: str  # none | demucs
    model: str
    model_digest: str
    model_licence: str
    voice: float  # how much singing or speech is heard in it, 0-1, an estimate (see `motet.audio.voice`)
    gain_db: float  # what the stored samples are to be raised by
    residual_db: float | None  # what all stems together lack of the mix
    remarks: list[str]


@dataclass(frozen=True, kw_only=True)
class Chunk(Row):
    """A span of a recording as it will be trained on. One with a fault has no audio."""

    table: ClassVar[str] = "chunks"
    letter: ClassVar[str] = "k"
    index: int
    stem: str
    audio: str | None = media()
    rate: int
    channels: int
    frames: int
    start_frame: int  # in the recording, at its own rate
    end_frame: int
    start: float
    end: float
    gain_db: float
    lufs: float | None  # after the gain
    true_peak_db: float | None
    limited: bool  # softer than asked: the true peak, or 30 dB, allowed no more gain
    voice: float  # of the whole stem
    fault: str  # silent | mostly_silent | clipped | repeated …; "" for none
    detail: str


@dataclass(frozen=True, kw_only=True)
class AudioFacts(Row):
    """What is heard in a chunk, each with its confidence 0-1, and who heard it. Null where it cannot be told."""

    table: ClassVar[str] = "audio_facts"
    index: int
    stem: str
    audio: str = media()
    rate: int
    channels: int
    frames: int
    start: float
    end: float
    voice: float
    by: str  # motet | librosa | essentia
    tempo: float | None  # taps a minute
    tempo_confidence: float | None
    tempo_steady: bool | None
    tempo_others: list[float]  # other pulses that one may tap
    beats: list[float]  # seconds
    downbeats: list[int]  # indices of beats
    beats_per_bar: int | None
    beats_confidence: float | None
    key_tonic: int | None  # 0 C to 11 B
    key_mode: str | None  # major | minor
    key_confidence: float | None
    key_runner_up: str | None
    tuning_cents: float | None
    lufs: float | None
    loudness_range: float | None  # LU, EBU Tech 3342
    crest_db: float | None
    centroid_hz: float | None
    brightness: float | None  # 0-1
    energy: float | None  # 0-1, an estimate
    section_times: list[float]  # seconds where another section begins
    facts: str  # JSON: all that was measured


@dataclass(frozen=True, kw_only=True)
class RecordedClip(Row):
    """A chunk of a recording with its facts and tags. The columns that `Clip` has too mean the same."""

    table: ClassVar[str] = "clips"
    index: int
    stem: str
    audio: str = media()
    rate: int
    channels: int
    start_frame: int  # in `audio`
    end_frame: int
    start: float  # in the recording, seconds
    end: float
    tempo: float | None
    tempo_confidence: float | None
    key: str | None  # "E flat major"
    key_confidence: float | None
    lufs: float | None
    brightness: float | None
    energy: float | None
    voice: float
    genres: list[str]  # heaviest first
    moods: list[str]
    instruments: list[str]
    tags: list[str]
    tag_kinds: list[str]
    tag_weights: list[float]
    tag_confidences: list[float]
    tag_sources: list[str]
    artist: str  # as its tags or its page say
    title: str
    licence: str
    left_empty: list[str]  # what nobody could say, and why
    record: str  # a fact record, as JSON (docs/captions.md)


@dataclass(frozen=True, kw_only=True)
class Labelled(Row):
    """What a file of a known dataset is, as its path and its dataset's index say (see `motet.inventory`)."""

    table: ClassVar[str] = "labels"
    letter: ClassVar[str] = "l"
    dataset: str
    part: str
    kind: str  # midi | audio
    sha256: str  # of the raw file
    labels: str  # JSON: name -> text or number
    group: str  # what train, validation and test must not share: "actor 07"
    split: str  # train | validation | test
    split_by: str  # group | published
    published_split: str  # in the publisher's own word; "" where there is none
    golden: bool  # whether it is of the small golden subset
    licence: str
    licence_url: str


@dataclass(frozen=True, kw_only=True)
class Feature(Row):
    """A file made of a raw one, of which it knows the content: so stale, orphaned and unprocessed ones are told apart."""

    table: ClassVar[str] = "features"
    letter: ClassVar[str] = "f"
    what: str  # audio | mel | embedding | notes
    file: str = media()
    format: str
    raw_sha256: str
    shape: list[int]  # audio (frames, channels), mel (bands, frames), embedding (size) or (steps, size), notes (notes)
    rate: int | None  # samples per second of the sound it was made of
    seconds: float
    parameters: str  # JSON: what it was made with


@dataclass(frozen=True, kw_only=True)
class Collected(File):
    """A source file of one of several kinds that a recipe reads together."""

    kind: str  # midi | recording | film | list


@dataclass(frozen=True, kw_only=True)
class Catalogued(Row):
    """A recording that may be heard in films."""

    table: ClassVar[str] = "recordings"
    sha256: str
    seconds: float
    rate: int
    channels: int
    codec: str
    container: str
    cut_off: str  # why it ends before its header says; "" if it does not
    artist: str  # as its tags say; "" where they do not
    title: str
    album: str
    isrc: str
    copyright: str
    licence: str  # as told
    licence_spdx: str
    sound: str = media()  # what it is known again by (see `motet.film.locating`)


@dataclass(frozen=True, kw_only=True)
class Movie(Row):
    """A film that can be listened to. Its clock begins with its first picture."""

    table: ClassVar[str] = "movies"
    sha256: str
    title: str  # as its name and folder tell
    year: int | None
    seconds: float  # of picture
    fps: str  # "24" or "30000/1001"
    steady: bool  # false: pictures are shown for unequal times
    width: int
    height: int
    codec: str
    container: str
    sound_start: float  # seconds from the first picture to the first sample
    sound_seconds: float
    copyright: str
    licence: str
    licence_spdx: str
    remarks: list[str]
    sound: str = media()


@dataclass(frozen=True, kw_only=True)
class ListedSong(Row):
    """A line of a user's list: a song that a film uses."""

    table: ClassVar[str] = "listed"
    letter: ClassVar[str] = "l"
    film: str
    year: int | None
    film_id: str  # "imdb:tt0110912"; "" where the list has none
    title: str
    artist: str
    kind: str  # song | score | unknown
    album: str
    compilation: bool | None
    told_by: str  # musicbrainz | spotify | list
    where: str  # the list, or the address that answered
    confidence: float  # that the film uses the song, as this source alone tells
    identifiers: list[str]


@dataclass(frozen=True, kw_only=True)
class Soundtrack(ListedSong):
    """A song that a service names for a film."""

    table: ClassVar[str] = "soundtracks"
    letter: ClassVar[str] = "t"


@dataclass(frozen=True, kw_only=True)
class FilmSong(Row):
    """A song that a film uses, as all sources together tell."""

    table: ClassVar[str] = "film_songs"
    letter: ClassVar[str] = "s"
    film: str
    year: int | None
    title: str
    artist: str  # "" where nobody says
    kind: str  # song | score | unknown
    compilation: bool | None
    confidence: float
    told_by: list[str]
    evidence: list[str]
    identifiers: list[str]


@dataclass(frozen=True, kw_only=True)
class SongMatch(Row):
    """A song of a film, and a file of the catalogue that holds it, as names tell."""

    table: ClassVar[str] = "matches"
    letter: ClassVar[str] = "m"
    film: str
    title: str
    artist: str
    what: str  # midi | recording
    item: str  # its id
    item_path: str
    probability: float
    through: str  # name | family of <id>
    evidence: str


@dataclass(frozen=True, kw_only=True)
class Judgement(Row):
    """What a person said of an example or a match, by eye and ear."""

    table: ClassVar[str] = "judgements"
    stamp: str  # what it is about: contents and a moment, whatever the files are called
    verdict: str  # good | bad | yes | no | unsure
    note: str
    by: str
    at: str  # ISO 8601, UTC


@dataclass(frozen=True, kw_only=True)
class Moment(Row):
    """A span of a film in which a recording is heard: at film time t the recording is at song_start + speed (t - film_start)."""

    table: ClassVar[str] = "moments"
    letter: ClassVar[str] = "n"
    film_where: str = locator()  # where its bytes lie, as JSON
    film_sha256: str
    film: str
    year: int | None
    film_seconds: float
    film_fps: str
    film_licence: str
    recording: str  # its id
    recording_path: str = locator()
    recording_where: str = locator()
    recording_sha256: str
    artist: str
    title: str
    recording_licence: str
    film_start: float  # seconds of the film's clock
    film_end: float
    song_start: float
    song_end: float
    speed: float
    pitch_kept: bool | None
    version: str  # recording | other version
    confidence: float
    second_score: float
    listed: bool  # whether a list or service names the song for this film
    judged: str  # "" | yes | unsure
    stamp: str  # what a judgement of it is about
    evidence: str


@dataclass(frozen=True, kw_only=True)
class Candidate(Row):
    """A MIDI file that may be of the same song as a recording that is heard in a film."""

    table: ClassVar[str] = "candidates"
    letter: ClassVar[str] = "m"
    recording: str
    recording_where: str = locator()
    recording_sha256: str
    midi: str  # its id
    midi_path: str = locator()
    midi_where: str = locator()
    midi_sha256: str
    probability: float  # that both are the same song, as names tell
    evidence: str


@dataclass(frozen=True, kw_only=True)
class Warp(Row):
    """How a MIDI file runs along a recording. `warp` maps its seconds to the recording's (see `motet.film.aligning`)."""

    table: ClassVar[str] = "warps"
    warp: bytes
    transposition: int  # semitones that the recording is above the notes
    tuning_cents: float
    speed: float  # seconds of the MIDI's per second of the recording's, on the whole
    confidence: float
    midi_start: float
    midi_end: float
    sound_start: float
    sound_end: float
    bars: list[int]  # numbers from 1
    bar_midi: list[float]  # where each begins
    bar_sound: list[float | None]
    bar_confidences: list[float]


@dataclass(frozen=True, kw_only=True)
class Shots(Row):
    """What is seen while a song is heard. Times in seconds of the film's clock."""

    table: ClassVar[str] = "shots"
    frames: int
    shot_starts: list[float]
    shot_ends: list[float]
    shot_kinds: list[str]  # begin | cut | fade | dissolve: how each begins
    looks: str  # JSON: brightness, colour, motion … (see `motet.film.pictures`)


@dataclass(frozen=True, kw_only=True)
class PlannedClip(Row):
    """A span of a moment that will become a clip: where each voice is found, and what is changed in all of them."""

    table: ClassVar[str] = "planned_clips"
    letter: ClassVar[str] = "c"
    film_where: str = locator()
    film_sha256: str
    film: str
    year: int | None
    fps: str
    film_licence: str
    recording_path: str = locator()
    recording_where: str = locator()
    recording_sha256: str
    artist: str
    title: str
    recording_licence: str
    midi_path: str = locator()
    midi_where: str = locator()
    midi_sha256: str  # "" where no MIDI fits
    warp: bytes
    transposition: int
    alignment_confidence: float | None
    bar_confidences: list[float]  # of the bars in the clip
    start: float  # seconds of the film's clock
    end: float
    song_start: float  # seconds of the recording at `start`
    speed: float
    pitch_kept: bool
    match_confidence: float
    listed: bool
    judged: str
    snapped: bool
    shot_starts: list[float]
    kind: str  # positive | negative
    negative: str  # "" | same_film_other_moment | other_song
    negative_of: str  # the id of the planned clip whose music this is not
    changes: str  # JSON, in order: each with what would undo it


@dataclass(frozen=True, kw_only=True)
class FilmClip(Row):
    """A moment of film, its sound, the recording that plays and the notes of it: four voices of one piece, on one clock."""

    table: ClassVar[str] = "clips"
    film: str
    year: int | None
    artist: str
    title: str
    kind: str
    negative: str
    negative_of: str
    start: float  # seconds of the film's clock
    end: float
    song_start: float
    speed: float
    pitch: float  # semitones by which the film plays the recording higher; its notes are as in the MIDI file
    seconds: float
    video: str | None = media()  # H.264 with the film's own sound
    fps: str
    frames: int
    first_picture: int  # counted from 0 in the film
    width: int
    height: int
    audio: str | None = media()  # the recording as it is heard here
    rate: int
    channels: int
    start_frame: int
    end_frame: int
    film_audio: str | None = media()  # the film's own sound
    midi: str | None = media()  # every note at its moment of the clip
    midi_unwarped: str | None = media()  # the same notes in their own time
    midi_start: float | None  # seconds of the MIDI file at `start`
    midi_sha256: str
    transposition: int
    notes: int | None
    match_confidence: float
    alignment_confidence: float | None
    bar_confidences: list[float]
    listed: bool
    judged: str
    snapped: bool
    shots: list[float]  # seconds of the clip where another shot begins
    symbolic: str  # JSON: what its notes tell; "" without MIDI
    sounding: str  # JSON: what is heard in the recording
    visual: str  # JSON: what is seen
    changes: str  # JSON
    film_licence: str
    recording_licence: str
    midi_licence: str
    left_empty: list[str]  # what is lacking, and why


@dataclass(frozen=True, kw_only=True)
class LicenceLine(Row):
    """What a user's `licences.yaml` says of some sources: a pattern of their paths, and under what they are."""

    table: ClassVar[str] = "licence_lines"
    number: int  # later lines win
    pattern: str  # as in a shell; "*" for all
    below: str  # the source whose files it is about, and whose paths begin there; "" for all sources
    licence: str  # as written
    holder: str
    url: str


@dataclass(frozen=True, kw_only=True)
class SourceLicence(Row):
    """Under what a source file is, and who says so."""

    table: ClassVar[str] = "licences"
    licence: str  # as told; "" where nobody says
    holder: str  # who must be credited; "" where nobody says
    url: str
    said_by: str  # list | tags | page | recipe | "" for nobody


@dataclass(frozen=True, kw_only=True)
class Assigned(Row):
    """Which split a song, or a clip of a film, is in."""

    table: ClassVar[str] = "splits"
    split: str  # train | validation | test; "" for one that is left out, as it would join what is apart
    was: str  # the split that it had before; one that is left out now may come back to that alone
    why: str
    artist: str  # so that spellings meet; "" for nobody in particular
    groups: list[str]  # what no other split may share with it
    weight: float  # clips
    strata: list[str]  # tags by which splits should be alike
    drawn_with: str  # shares and seed: another draw remembers nothing


def row_fields(row_type: type[Row]) -> tuple[str, ...]:
    """The payload's field names, in order."""
    return tuple(f.name for f in fields(row_type) if f.name not in IDENTITY)


def locators(row_type: type[Row]) -> frozenset[str]:
    return frozenset(f.name for f in fields(row_type) if f.metadata.get("locator"))


def media_fields(row_type: type[Row]) -> tuple[str, ...]:
    return tuple(f.name for f in fields(row_type) if f.metadata.get("media"))


def limited(row_type: type[Row], values: Mapping[str, Any], allowed: frozenset[str]) -> Any:
    """A row that has only the `allowed` fields: touching another raises AttributeError.

    That is how a stage is held to the inputs it declares, and so to its key.
    """
    row = object.__new__(row_type)
    for name in allowed:
        object.__setattr__(row, name, values[name])
    return row
