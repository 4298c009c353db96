"""Numbers as a person reads them."""


def count(number: int) -> str:
    """12345 → "12,345"."""
    return f"{number:,}"


def several(number: int, what: str) -> str:
    """1, "song" → "1 song"; 2, "song" → "2 songs"."""
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def span(seconds: float) -> str:
    """A length of time: "0 s", "8 ms", "4.2 s", "1 min 12 s", "2 h 5 min"."""
    if seconds < 0.0005:
        return "0 s"
    if seconds < 0.0995:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    minutes = round(seconds / 60)
    return f"{minutes // 60:,} h {minutes % 60} min"


def size(octets: float) -> str:
    """A number of bytes in powers of ten: "0 B", "512 B", "3.4 MB", "12 GB"."""
    if octets < 1000:
        return f"{octets:.0f} B"
    scaled, units = octets / 1000, ["kB", "MB", "GB", "TB"]
    while scaled >= 999.5 and len(units) > 1:
        scaled /= 1000
        units.pop(0)
    return f"{scaled:.1f} {units[0]}" if scaled < 9.95 else f"{scaled:,.0f} {units[0]}"


def clock(seconds: float) -> str:
    """A place in a song: "0:07", "12:40"."""
    whole = int(seconds)
    return f"{whole // 60}:{whole % 60:02d}"
