"""What the decoded bodies of many jobs have in common: paths, values, and histograms of the jobs' numbers.

What lives here: `FacetCounter`, to which jobs are added, within bounds of memory whatever their bodies are, and the
`Facets` that it returns; the text of a path and the predicate of a value (`spelling`). No sockets, files or frames.
Imports `bodies` and `sql.literals`; the session and the faces import it.
"""

from beanops.jobs.facets.collector import FacetCounter
from beanops.jobs.facets.results import Bin, Facets, Histogram, PathFacet, Undecoded, ValueCount

__all__ = ["Bin", "FacetCounter", "Facets", "Histogram", "PathFacet", "Undecoded", "ValueCount"]
