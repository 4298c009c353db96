"""The page where one listens and looks."""

from motet.explorer.page import ClipView, Drawing, DropLine, Figure, Note, Report, SlowRow, StageLine, Total, page

__all__ = ["ClipView", "Drawing", "DropLine", "Figure", "Note", "Report", "SlowRow", "StageLine", "Total", "page"]
