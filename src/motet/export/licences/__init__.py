"""What licences ask and allow, as plain data: so that a row is kept, published and credited by what all its parts allow.

Identifiers are those of the SPDX licence list (https://spdx.org/licenses/), with some of our own for what it has no name for:
`CC-BY` and its kin without a version, `GPL` likewise, `public-domain`, `all-rights-reserved`, `YouTube-Standard`, `OpenRAIL`,
`non-commercial`, `research-only`, `copyright-notice`, `Spotify-terms`. A rule names the address of the text it sums up. What is
not understood, or comes with words that take something back, is unknown; and unknown counts as not allowed. None of this is
advice of a lawyer.
"""

from motet.export.licences.rules import SERVICES, Rule, rule, rule_of
from motet.export.licences.weighing import USES, Combined, Credit, Part, Refusal, Tally, Use, allows, strictest

__all__ = [
    "SERVICES", "USES", "Combined", "Credit", "Part", "Refusal", "Rule", "Tally", "Use", "allows", "rule", "rule_of", "strictest",
]  # fmt: skip
