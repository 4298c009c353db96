"""Is it true? Every claim that any text makes of a clip, beside the clip's fact record."""

from motet.text.checking.judging import Checked, Claim, check

__all__ = ["Checked", "Claim", "check"]
