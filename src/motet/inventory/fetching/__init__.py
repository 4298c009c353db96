"""Getting a dataset: what to download, and that it arrives whole or not at all."""

from motet.inventory.fetching.planning import Plan, Way, plan
from motet.inventory.fetching.transfer import Patience
from motet.inventory.fetching.watching import Silent, Watch
from motet.inventory.fetching.whole import Fetched, fetch

__all__ = ["Fetched", "Patience", "Plan", "Silent", "Watch", "Way", "fetch", "plan"]
