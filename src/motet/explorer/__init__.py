"""The page where one listens and looks."""

from motet.explorer.page import ClipView, DropLine, Figure, Note, Report, SlowRow, StageLine, Total, page

__all__ = ["ClipView", "DropLine", "Figure", "Note", "Report", "SlowRow", "StageLine", "Total", "page"]
