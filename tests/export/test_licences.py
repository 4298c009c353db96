"""Licences as data: what words mean, what all parts of an example allow, and what a dataset is under as a whole."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from motet.errors import UserError
from motet.export.example import Licence
from motet.export.licences import SERVICES, USES, Tally, allows, rule, rule_of, strictest

BY, NC, GPL = (
    Licence("source", "tune", "CC-BY-4.0", "Ada"),
    Licence("source", "tune", "CC-BY-NC-4.0"),
    Licence("sound", "font", "GPL-2.0"),
)


@pytest.mark.parametrize(
    ("told", "name"),
    [
        ("CC BY 4.0", "CC-BY-4.0"),
        ("cc-by-nc-sa-3.0", "CC-BY-NC-SA-3.0"),
        ("https://creativecommons.org/licenses/by-nc/3.0/", "CC-BY-NC-3.0"),
        ("http://creativecommons.org/licenses/by-nc-sa/3.0/us/", "CC-BY-NC-SA-3.0"),
        ("Creative Commons Attribution-NonCommercial-ShareAlike 3.0 Unported License", "CC-BY-NC-SA-3.0"),
        ("Free Music Archive: CC-BY-NC-ND", "CC-BY-NC-ND"),
        ("Attribution-NonCommercial 4.0 International", "CC-BY-NC-4.0"),
        ("Copyright 2020 Foo. Licensed under CC BY-SA 4.0", "CC-BY-SA-4.0"),
        ("CC BY-NC-SA 4.0 (https://creativecommons.org/licenses/by-nc-sa/4.0/)", "CC-BY-NC-SA-4.0"),
        ("creative commons attribution license (reuse allowed)", "CC-BY-3.0"),
        ("CC0", "CC0-1.0"),
        ("CC0 1.0 Universal (CC0 1.0) Public Domain Dedication", "CC0-1.0"),
        ("https://creativecommons.org/publicdomain/zero/1.0/", "CC0-1.0"),
        ("This work is in the public domain.", "public-domain"),
        ("GPL-2.0-or-later", "GPL-2.0-or-later"),
        ("GPLv2+", "GPL-2.0-or-later"),
        ("GNU General Public License version 2 or later", "GPL-2.0-or-later"),
        ("https://www.gnu.org/licenses/gpl-3.0.html", "GPL-3.0"),
        ("GNU Lesser General Public License v2.1", "LGPL-2.1"),
        ("MIT", "MIT"),
        ("The MIT License", "MIT"),
        ("https://opensource.org/licenses/MIT", "MIT"),
        ("Apache License, Version 2.0", "Apache-2.0"),
        ("Open Data Commons Attribution License v1.0", "ODC-By-1.0"),
        ("All rights reserved", "all-rights-reserved"),
        ("Copyright (c) 2000 Foo, all rights reserved", "all-rights-reserved"),
        ("© 1998 Foo", "copyright-notice"),
        ("academic use only; each track its own", "research-only"),
        ("scientific use only (demucs's MIT licence is of its code, not of these weights)", "research-only"),
        ("free for personal use", "non-commercial"),
        ("MIT AND CC-BY-4.0", "CC-BY-4.0 AND MIT"),
        ("MIT OR GPL-2.0-only", "MIT"),
    ],
)
def test_a_licence_is_known_by_many_spellings(told: str, name: str) -> None:
    assert rule(told).id == name
    assert rule(f"  {told}\n").id == name


@pytest.mark.parametrize(
    "told",
    [
        "",
        "unknown",
        "none stated",
        "Creative Commons",
        "royalty free",
        "chosen by each artist, most of them Creative Commons; tables CC-BY-4.0",
        "Creative Commons, of each track its own (audio_licenses.txt); tables CC-BY-NC-SA-4.0",
        "not public domain",
        "public domain tune, arr. © Jones",
        "CC BY 4.0, except the samples",
        "CC BY-ND-SA 4.0",
        "frei mit Nennung",
        "Unlicensed",
        "CC-BYTES",
        "GPL-9000",
        "CC BY 4.0, non-commercial only",
        "MIT " * 1000,
    ],
)
def test_what_is_doubtful_allows_no_commerce(told: str) -> None:
    assert not rule(told).commercial
    assert allows([BY, Licence("sound", "font", told)], "commercial") is not None


@pytest.mark.parametrize(
    ("told", "commercial", "derivatives", "redistribute"),
    [
        ("CC-BY-4.0", True, True, True),
        ("CC-BY-NC-4.0", False, True, True),
        ("CC-BY-ND-4.0", True, False, True),
        ("CC-BY-NC-ND-3.0", False, False, True),
        ("GPL-2.0", True, True, True),
        ("all rights reserved", False, False, False),
        ("© 1998 Foo", None, None, None),
    ],
)
def test_what_a_licence_allows(told: str, commercial: bool | None, derivatives: bool | None, redistribute: bool | None) -> None:
    one = rule(told)
    assert (one.commercial, one.derivatives, one.redistribute) == (commercial, derivatives, redistribute)


def test_the_gpl_allows_commerce_and_says_what_is_open() -> None:
    assert allows([GPL], "commercial") is None
    assert "GPLOutput" in rule("GPL-2.0").note
    assert rule("GPL-2.0").share_alike


@pytest.mark.parametrize(
    ("parts", "use", "words"),
    [
        ([BY, NC], "commercial", "The source tune is under CC BY-NC 4.0, which does not allow commercial use."),
        ([BY, Licence("sound", "f.sf2", "")], "commercial", "The sound f.sf2 has a licence that is not known."),
        ([Licence("recording", "", "CC BY-ND 4.0")], "redistribute", "does not let changed copies be shared"),
        (
            [Licence("separator", "htdemucs", "scientific use only")],
            "redistribute",
            "does not say that it allows being passed on",
        ),
        ([], "research", "Nothing is known of what it is made of."),
    ],
)
def test_a_refusal_names_the_part(parts: list[Licence], use: str, words: str) -> None:
    refusal = allows(parts, use)  # type: ignore[arg-type]
    assert refusal is not None
    assert words in str(refusal)
    assert not parts or refusal.part in parts


def test_a_use_nobody_heard_of_is_refused_with_the_list() -> None:
    with pytest.raises(UserError, match="commercial, research, redistribute"):
        allows([BY], "fun")  # type: ignore[arg-type]


def test_services_are_known_where_no_licence_is_told() -> None:
    assert rule_of(Licence("tags", "MusicBrainz", "")).id == "CC-BY-NC-SA-3.0"
    assert rule_of(Licence("tags", "musicbrainz", "CC0-1.0")).id == "CC0-1.0"  # core data, if it is only that
    assert allows([Licence("tags", "listenbrainz", "")], "commercial") is None
    assert not rule_of(Licence("tags", "own", "")).known
    assert not rule_of(Licence("sound", "spotify", "")).known  # a font of that name is no service
    assert allows([Licence("tags", "spotify", "")], "research") is not None
    assert all(one.source.startswith("http") for one in SERVICES.values())


texts = st.sampled_from(
    ["CC-BY-4.0", "CC-BY-NC-4.0", "CC-BY-SA-3.0", "CC-BY-ND-4.0", "GPL-2.0", "MIT", "", "© 2001", "CC0", "all rights reserved"]
)
parts = st.lists(st.builds(Licence, st.sampled_from(["source", "sound", "tags"]), st.sampled_from("abc"), texts), max_size=5)


@given(parts, st.builds(Licence, st.just("sound"), st.just("d"), texts), st.sampled_from(USES))
def test_a_part_more_never_allows_more(some: list[Licence], more: Licence, use: str) -> None:
    if some and allows(some, use) is not None:  # type: ignore[arg-type]
        assert allows([*some, more], use) is not None  # type: ignore[arg-type]
    both = allows([*some, more], use) is None  # type: ignore[arg-type]
    assert both == all(allows([one], use) is None for one in (*some, more))  # type: ignore[arg-type]


@given(parts.filter(bool))
def test_the_strictest_is_as_strict_as_each(some: list[Licence]) -> None:
    told = strictest(some)
    if told.commercial and told.derivatives:
        assert allows(some, "commercial") is None
    if allows(some, "commercial") is None:
        assert told.commercial
    assert (told.license == "unknown") == any(not rule_of(one).known for one in some)
    assert all(part.examples == 1 for part in told.parts)


@given(st.text(max_size=300))
def test_no_words_upset_it(told: str) -> None:
    one = rule(told)
    assert one.known or not one.commercial
    assert "\n" not in one.told
    assert strictest([Licence(told, told, told, told, told)]).summary


@pytest.mark.parametrize(
    ("told", "front", "name"),
    [
        (["CC-BY-4.0"], "cc-by-4.0", ""),
        (["CC-BY-4.0", "CC0-1.0", "public domain"], "cc-by-4.0", ""),
        (["CC-BY-4.0", "CC-BY-NC-4.0"], "cc-by-nc-4.0", ""),
        (["CC-BY-3.0", "CC-BY-4.0"], "other", "cc-by-3.0-and-cc-by-4.0"),
        (["CC-BY-4.0", "GPL-2.0"], "other", "cc-by-4.0-and-gpl-2.0"),
        (["CC-BY-SA-4.0", "CC-BY-NC-SA-4.0"], "other", "cc-by-nc-sa-4.0-and-cc-by-sa-4.0"),
        (["CC0-1.0"], "cc0-1.0", ""),
        (["public domain"], "other", "public-domain"),
        (["all rights reserved"], "other", "all-rights-reserved"),
        (["CC-BY-4.0", ""], "unknown", ""),
        (["MIT", "Apache-2.0", "CC-BY-4.0", "GPL-3.0"], "other", "several-licences"),
    ],
)
def test_the_word_for_the_front_of_a_card(told: list[str], front: str, name: str) -> None:
    combined = strictest(Licence("sound", str(number), text) for number, text in enumerate(told))
    assert (combined.license, combined.name) == (front, name)


@pytest.mark.parametrize(
    ("told", "clash"),
    [
        (("CC-BY-SA-4.0", "CC-BY-NC-SA-4.0"), True),
        (("CC-BY-SA-4.0", "CC-BY-NC-4.0"), True),
        (("GPL-2.0", "CC-BY-SA-4.0"), True),
        (("GPL-3.0", "CC-BY-SA-4.0"), False),
        (("CC-BY-SA-3.0", "CC-BY-SA-4.0"), False),
        (("GPL-2.0-only", "GPL-3.0-only"), True),
        (("GPL-2.0-or-later", "GPL-3.0-only"), False),
        (("CC-BY-4.0", "CC-BY-NC-4.0"), False),
        (("GPL-2.0", "MIT"), False),
        (("GPL-2.0", ""), False),
    ],
)
def test_share_alike_does_not_go_with_everything(told: tuple[str, str], clash: bool) -> None:
    first, second = told
    assert bool(strictest([Licence("source", "a", first), Licence("sound", "b", second)]).conflicts) == clash
    apart = Tally()
    apart.add([Licence("source", "a", first)])
    apart.add([Licence("source", "b", second)])
    assert not apart.combined().conflicts  # in different examples each keeps its own


def test_tags_stand_beside_the_music_and_clash_with_nothing() -> None:
    assert not strictest([GPL, Licence("tags", "musicbrainz", "")]).conflicts


def test_parts_and_credits_are_counted() -> None:
    tally = Tally()
    for number in range(6):
        holder = "Ada" if number % 2 else "Bo"
        tally.add([Licence("source", f"tune {number}", "CC-BY-4.0", holder), GPL, Licence("tags", "lastfm", "")])
    tally.add([])
    told = tally.combined()
    assert [(part.what, part.name, part.examples) for part in told.parts] == [
        ("sound", "font", 6), ("source", "", 6), ("source", "", 1), ("tags", "lastfm", 6),
    ]  # fmt: skip
    assert [(one.holder, one.what, one.examples) for one in told.credits] == [
        ("Last.fm", "tags", 6), ("Ada", "source", 3), ("Bo", "source", 3), ("", "sound", 6),
    ]  # fmt: skip
    assert (told.examples, told.unknown_examples, told.license) == (7, 1, "unknown")
    assert "In 1 example the licence of a part (source) is not known" in told.summary
    assert "Credit is due to 3 holders." in told.summary


def test_a_thousand_ways_to_say_nothing_do_not_fill_the_memory() -> None:
    tally = Tally()
    for number in range(5000):
        tally.add([Licence("source", f"{number}", f"© {number}")])
    parts_ = tally.combined().parts
    assert len(parts_) <= 1001
    assert sum(part.examples for part in parts_) == 5000


@pytest.mark.parametrize(
    "told",
    ["CC-BY-4.0-NC", "CC-BY-4.0-NC-SA", "CC BY 4.0 ND", "CC0 NC", "CC-BY-SA 4.0 NC", "CC BY 4.0 International NC", "MIT WITH x"],
)
def test_signs_out_of_their_order_are_no_permission(told: str) -> None:
    refusal = allows([Licence("source", "song.mid", told)], "commercial")
    assert refusal is not None
