"""Agents x window x schedule x access -> fates, findings, cost, plan id. Reads the tenant, writes nothing."""

from wfm.preview.identity import differences
from wfm.preview.previewer import Previewer

__all__ = ["Previewer", "differences"]
