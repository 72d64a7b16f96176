"""Jobs sorted into few bins by each of their numbers and values, so that a page can filter all of them at once.

What lives here: `JobBins`, to which jobs are added and which returns bins at any time, with the number of each job's
bin as one byte and the predicate of every bin; `KeptBodies`, from which bins of a path are made later. No sockets,
files or frames. Imports `bodies`, `causes`, `facets` and `sql.literals`; notebooks import it.
"""

from beanops.jobs.bins.dimensions import NO_BIN, Dimension, RangeBins, ValueBins
from beanops.jobs.bins.job_bins import JobBins
from beanops.jobs.bins.kept_bodies import KeptBodies

__all__ = ["NO_BIN", "Dimension", "JobBins", "KeptBodies", "RangeBins", "ValueBins"]
