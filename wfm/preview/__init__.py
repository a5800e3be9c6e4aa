"""Agents x window x schedule x access -> fates, findings, cost, plan id. Reads the tenant, writes nothing."""

from wfm.preview.access import Observation, checks_for
from wfm.preview.cost import Pace
from wfm.preview.identity import differences, plan_id_of, short
from wfm.preview.previewer import Previewer

__all__ = ["Observation", "Pace", "Previewer", "checks_for", "differences", "plan_id_of", "short"]
