"""Which parts a rule of a rack is for."""

from __future__ import annotations

from dataclasses import dataclass

from motet.midi.general_midi import DRUMS, family

__all__ = ["Rule", "Who"]


@dataclass(frozen=True)
class Who:
    """The part to be played: its General MIDI program (of drums: the kit), what it does in the song, its bank."""

    program: int
    is_drum: bool = False
    role: str | None = None  # of `motet.midi`; None: not known
    bank: int = 0

    @property
    def family(self) -> str:
        """One of General MIDI's families, or "drums"."""
        return family(self.program, self.is_drum)


@dataclass(frozen=True)
class Rule:
    """Conditions that must all hold; an empty one always does."""

    programs: tuple[int, ...] = ()
    families: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    banks: tuple[int, ...] = ()
    drums: bool | None = None

    def fits(self, who: Who) -> bool:
        """Whether all conditions hold for `who`.

        Programs are those of pitched parts, and kits only where the rule asks for drums: a piano for program 0 plays no kit 0.
        Drums have the role "drums".
        """
        role = DRUMS if who.is_drum else who.role
        kits = self.drums or DRUMS in self.roles
        return (
            (self.drums is None or self.drums == who.is_drum)
            and (not self.roles or role in self.roles)
            and (not self.families or who.family in self.families)
            and (not self.programs or (who.program in self.programs and (kits or not who.is_drum)))
            and (not self.banks or (who.bank in self.banks and (kits or not who.is_drum)))
        )
