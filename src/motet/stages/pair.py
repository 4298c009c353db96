"""Planned clips become clips: picture, film sound, recording and notes, cut to the frame, with what is seen and heard."""

from __future__ import annotations

import json
import math
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from fractions import Fraction
from hashlib import file_digest, sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field

from motet import midi, render, text
from motet.audio.errors import Unusable
from motet.dataset.rows import FilmClip, PlannedClip
from motet.errors import UserError
from motet.files.kinds import RECORDINGS
from motet.film.errors import FilmError
from motet.run import Drop, Settings, Tools, Unanswered, stage
from motet.run.stage import Cost
from motet.stages.clean import read_source, source_of
from motet.stages.collect import file_at, film_at

if TYPE_CHECKING:
    from motet.film import clips

Samples = npt.NDArray[np.float32]


class Pair(Settings):
    # What it names is in the key by content, wherever it lies.
    no_effect: ClassVar[frozenset[str]] = frozenset(("speech",))

    media: bool = Field(default=True, description="false: figures only, and no picture, sound or note of anybody's")
    side: int = Field(default=640, ge=64, le=4096, description="pixels of a picture's longer side, at most")
    rate: int = Field(default=44100, ge=8000, le=96000, description="samples a second")
    speech: str = Field(default="", description="a recording of speech, or a folder of them, for the change `dialogue`")


def _speech(settings: Pair) -> list[Path]:
    if not settings.speech:
        return []
    place = Path(settings.speech).expanduser()
    inside = sorted(place.rglob("*")) if place.is_dir() else [place]
    found = [one for one in inside if one.is_file() and RECORDINGS.named(one.name)]
    if not found:
        raise UserError(f"There is no recording of speech at {place}: name one, or a folder of them.")
    return found


def _contents(settings: Pair) -> Mapping[str, str]:
    told = {}
    for number, path in enumerate(_speech(settings)):
        with path.open("rb") as file:
            told[str(number)] = file_digest(file, "sha256").hexdigest()
    return told


def _cost(plan: Mapping[str, Any], settings: Pair) -> Cost | None:
    seconds = plan["end"] - plan["start"]
    return Cost(seconds=1.0 + seconds * 0.5, media_bytes=seconds * 400_000 if settings.media else 0.0)


@stage(
    version=1,
    uses=[
        "film_sha256", "film", "year", "fps", "film_licence", "recording_sha256", "artist", "title", "recording_licence",
        "midi_sha256", "warp", "transposition", "alignment_confidence", "bar_confidences", "start", "end", "song_start", "speed",
        "pitch_kept", "match_confidence", "listed", "judged", "snapped", "shot_starts", "kind", "negative", "negative_of",
        "changes",
    ],
    timeout=3600,
    libraries=["av", "numpy", "scipy", "soxr", "symusic", "soundfile"],
    contents=_contents,
    cost=_cost,
)  # fmt: skip
def pair(plan: PlannedClip, settings: Pair, tools: Tools) -> FilmClip | Drop:
    try:
        with tempfile.TemporaryDirectory(dir=tools.cache) as folder:
            return _Clip(plan, settings, Path(folder)).row(tools)
    except (FilmError, Unusable, midi.Unreadable) as error:
        if error.reason == "not_written":  # the disk's doing, not the clip's
            raise Unanswered(error.detail) from None
        return Drop(error.reason, error.detail)


@dataclass
class _Voices:
    """What a clip consists of. `picture` is a file, or None where none was written."""

    picture: Path | None
    frames: int
    width: int
    height: int
    fps: Fraction
    film: Samples | None
    recording: Samples
    warped: bytes | None
    unwarped: bytes | None
    midi_start: float | None
    changes: str = "[]"
    left: list[str] = field(default_factory=list)


class _Clip:
    def __init__(self, plan: PlannedClip, settings: Pair, folder: Path) -> None:
        self.plan, self.settings, self.folder = plan, settings, folder
        self.film = film_at(plan.film_where, plan.film_sha256)
        self.start, self.end = plan.start, plan.end  # until the first picture is known

    @property
    def seconds(self) -> float:
        return self.end - self.start

    @property
    def song_start(self) -> float:
        return self.plan.song_start + self.plan.speed * (self.start - self.plan.start)

    def row(self, tools: Tools) -> FilmClip:
        plan, settings = self.plan, self.settings
        voices = self._changed(self._cut())
        visual, shots = self._seen(voices)
        heard = self._heard(voices.recording)
        symbolic, notes = self._written(voices.warped)
        keep = settings.media
        rate = settings.rate
        seconds = float(voices.frames / voices.fps)
        left = voices.left if keep else [*voices.left, "media: features only were asked for"]
        return FilmClip(
            film=plan.film,
            year=plan.year,
            artist=plan.artist,
            title=plan.title,
            kind=plan.kind,
            negative=plan.negative,
            negative_of=plan.negative_of,
            start=round(self.start, 6),
            end=round(self.end, 6),
            song_start=round(self.song_start, 6),
            speed=plan.speed,
            pitch=0.0 if plan.pitch_kept else round(12 * math.log2(plan.speed), 3),
            seconds=round(seconds, 6),
            video=tools.media.adopt(voices.picture, ".mp4") if keep and voices.picture else None,
            fps=str(voices.fps),
            frames=voices.frames,
            first_picture=self.first,
            width=voices.width,
            height=voices.height,
            audio=tools.media.write(_flac(voices.recording, rate), ".flac") if keep else None,
            rate=rate,
            channels=voices.recording.shape[1],
            start_frame=0,
            end_frame=len(voices.recording),
            film_audio=tools.media.write(_flac(voices.film, rate), ".flac") if keep and voices.film is not None else None,
            midi=tools.media.write(voices.warped, ".mid") if keep and voices.warped else None,
            midi_unwarped=tools.media.write(voices.unwarped, ".mid") if keep and voices.unwarped else None,
            midi_start=voices.midi_start,
            midi_sha256=plan.midi_sha256,
            transposition=plan.transposition,
            notes=notes,
            match_confidence=plan.match_confidence,
            alignment_confidence=plan.alignment_confidence,
            bar_confidences=list(plan.bar_confidences),
            listed=plan.listed,
            judged=plan.judged,
            snapped=plan.snapped,
            shots=shots,
            symbolic=symbolic,
            sounding=heard,
            visual=visual,
            changes=voices.changes,
            film_licence=plan.film_licence,
            recording_licence=plan.recording_licence,
            midi_licence="",
            left_empty=[*left, *self._unknown()],
        )

    def _unknown(self) -> Iterator[str]:
        for name, known in (("film_licence", self.plan.film_licence), ("recording_licence", self.plan.recording_licence)):
            if not known:
                yield f"{name}: the file says none"
        yield "midi_licence: MIDI files say none" if self.plan.midi_sha256 else "midi: no MIDI file fits the recording here"

    # -- cutting -------------------------------------------------------------------------------------------------------

    def _cut(self) -> _Voices:
        from motet.film import clips
        from motet.film.clips.opening import timeline

        plan, settings, left = self.plan, self.settings, list[str]()
        times = timeline(self.film)
        self.first, behind = times.at_or_after(plan.start), times.at_or_after(plan.end)
        picture, frames, width, height, fps = None, behind - self.first, 0, 0, Fraction(plan.fps)
        if settings.media or plan.changes != "[]":
            picture = self.folder / "picture.mp4"
            box = (settings.side, settings.side)
            sound: Literal["film", "none"] = "film" if plan.kind == "positive" else "none"
            cut = clips.cut_picture(self.film, picture, start=plan.start, end=plan.end, size=box, sound=sound)
            frames, width, height, fps, self.start, self.end = cut.frames, cut.width, cut.height, cut.fps, cut.start, cut.end
            if not cut.steady:
                left.append(f"pictures: shown for unequal times in the film; {cut.repeated} repeated, {cut.left_out} left out")
        elif frames > 0:
            self.start = float(times.moment(self.first))
        own = None
        if plan.kind == "positive":
            own = clips.film_sound(self.film, self.start, self.end, rate=settings.rate)[0]
        else:
            left.append("film_audio: the film's own sound holds the music that belongs to it")
        warped = unwarped = midi_start = None
        if plan.midi_sha256:
            try:
                warped, unwarped, midi_start = self._notes()
            except FilmError as error:
                if error.reason not in ("outside_alignment", "no_notes"):
                    raise
                left.append(f"midi: {error.detail}")
        return _Voices(picture, frames, width, height, fps, own, self._recording(), warped, unwarped, midi_start, "[]", left)

    def _recording(self) -> Samples:
        """The recording at the film's pace, as long as the clip."""
        from motet.film import clips
        from motet.film.clips.stretching import stretched

        plan, rate = self.plan, self.settings.rate
        source = source_of(file_at(plan.recording_where, plan.recording_sha256))
        end = self.song_start + plan.speed * self.seconds
        speed = 1.0 if plan.pitch_kept else plan.speed
        made = clips.recording_sound(source, self.song_start, end, speed=speed, rate=rate)
        if plan.pitch_kept:
            made = stretched(made, rate, 1 / plan.speed)
        wanted = round(self.seconds * rate)
        return np.pad(made, ((0, max(0, wanted - len(made))), (0, 0)))[:wanted]

    def _notes(self) -> tuple[bytes, bytes, float | None]:
        from motet.film import aligning, clips

        plan = self.plan
        data = read_source(file_at(plan.midi_where, plan.midi_sha256))
        warp = aligning.Alignment.from_bytes(plan.warp)
        place = clips.Place(self.start, self.end, self.song_start, plan.speed)
        cut = clips.midi_slice(data, warp, place, self.start, self.end)
        begins = float(warp.to_midi(self.song_start))
        return cut.warped, cut.unwarped, round(begins, 6) if math.isfinite(begins) else None

    # -- changing ------------------------------------------------------------------------------------------------------

    def _changed(self, voices: _Voices) -> _Voices:
        from motet.film import clips

        wanted = [clips.Change(**one) for one in json.loads(self.plan.changes)]
        if not wanted:
            return voices
        if voices.film is None:
            raise FilmError("no_sound", "a clip without its film's sound cannot be changed")
        to = self.folder / "changed.mp4"
        triple = clips.Triple(voices.picture, voices.film, voices.recording, self.settings.rate, voices.warped)
        made = clips.apply(triple, wanted, to=to, dialogue=self._dialogue(wanted))
        assert made.recording is not None
        seen = _measured(to)
        left = [*voices.left, "midi_unwarped: of changed clips the notes are kept at their moments only"]
        return replace(
            voices,
            picture=to,
            frames=seen[0],
            width=seen[1],
            height=seen[2],
            fps=seen[3],
            film=made.sound,
            recording=made.recording,
            warped=made.midi,
            unwarped=None,
            changes=json.dumps([asdict(one) for one in made.changes], sort_keys=True),
            left=left,
        )

    def _dialogue(self, wanted: list[clips.Change]) -> tuple[Samples, int] | None:
        if all(one.kind != "dialogue" for one in wanted):
            return None
        from motet.film import clips

        speech = _speech(self.settings)
        if not speech:
            raise UserError("The change `dialogue` needs speech: set pair.speech to a recording or a folder of them.")
        drawn = int.from_bytes(
            sha256(f"{self.plan.film_sha256} {self.plan.start} {self.plan.changes}".encode()).digest()[:4], "big"
        )
        path = speech[drawn % len(speech)]
        return clips.recording_sound(path, 0.0, self.seconds + 1.0, speed=1.0, rate=self.settings.rate), self.settings.rate

    # -- describing ----------------------------------------------------------------------------------------------------

    def _seen(self, voices: _Voices) -> tuple[str, list[float]]:
        from motet.film import pictures

        if voices.changes != "[]" and voices.picture is not None:
            seen = pictures.look_at(voices.picture, 0.0, math.inf)
            shots = [round(one.start, 6) for one in seen.shots if one.start > 0]
        else:
            seen = pictures.look_at(self.film, self.start, self.end)
            shots = list(self.plan.shot_starts)
        return json.dumps(_short(asdict(seen.looks)), sort_keys=True), shots

    def _heard(self, recording: Samples) -> str:
        from motet.audio.facts.describe import describe

        return json.dumps(_short(describe(recording, self.settings.rate).as_dict()), sort_keys=True)

    def _written(self, data: bytes | None) -> tuple[str, int | None]:
        if data is None:
            return "", None
        score = midi.read(data)
        passage = midi.Passage.whole(score)
        return text.listen(passage, midi.describe(passage)).to_json(), len(score.notes)


def _measured(film: Path) -> tuple[int, int, int, Fraction]:
    from motet.film.pictures import film_facts

    facts = film_facts(film)
    frames = round(facts.seconds * facts.fps)
    return frames, facts.width, facts.height, facts.fps


def _flac(samples: Samples, rate: int) -> bytes:
    """As FLAC; what is over full scale makes all of it softer, and never clips."""
    peak = float(np.abs(samples).max(initial=0.0))
    return render.encode(samples, rate, gain_db=-20 * math.log10(peak) if peak > 1 else 0.0)


def _short(told: Any) -> Any:
    """Six digits: the last ones are a processor's, not the film's."""
    if isinstance(told, float):
        return float(f"{told:.6g}") if math.isfinite(told) else None
    if isinstance(told, dict):
        return {name: _short(one) for name, one in told.items()}
    return [_short(one) for one in told] if isinstance(told, list | tuple) else told
