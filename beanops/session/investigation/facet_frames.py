"""Facets as DataFrames. Importing this module imports pandas, which costs half a second."""

from __future__ import annotations

import pandas as pd

from beanops.frames import frame
from beanops.jobs.facets import Facets


def paths_frame(facets: Facets) -> pd.DataFrame:
    """Return paths as a frame; see `FoundFacets.paths` for its columns."""
    decoded = facets.decoded or 1
    return frame(
        facets.paths,
        {
            "path": ("str", "path"),
            "jobs": ("int64", "jobs"),
            "share": ("float64", lambda facet: facet.jobs / decoded),
            "missing": ("int64", "missing"),
            "nulls": ("int64", "nulls"),
            "types": ("str", lambda facet: ", ".join(facet.types)),
            "distinct": ("int64", "distinct"),
            "approximate": ("bool", "approximate"),
            "min": ("object", "min"),
            "max": ("object", "max"),
            "top": ("object", lambda facet: {one.value: one.jobs for one in facet.top}),
        },
    )


def values_frame(facets: Facets) -> pd.DataFrame:
    """Return values as a frame; see `FoundFacets.values` for its columns."""
    decoded = facets.decoded or 1
    return frame(
        [(facet.path, one) for facet in facets.paths for one in facet.top],
        {
            "path": ("str", lambda row: row[0]),
            "value": ("str", lambda row: row[1].value),
            "jobs": ("int64", lambda row: row[1].jobs),
            "share": ("float64", lambda row: row[1].jobs / decoded),
            "approximate": ("bool", lambda row: row[1].approximate),
            "where": ("str", lambda row: row[1].where),
        },
    )


def histograms_frame(facets: Facets) -> pd.DataFrame:
    """Return bins as a frame; see `FoundFacets.histograms` for its columns."""
    jobs = facets.jobs or 1
    return frame(
        [(histogram.column, one) for histogram in facets.histograms for one in histogram.bins],
        {
            "column": ("str", lambda row: row[0]),
            "start": ("float64", lambda row: row[1].start),
            "end": ("float64", lambda row: row[1].end),
            "jobs": ("int64", lambda row: row[1].jobs),
            "share": ("float64", lambda row: row[1].jobs / jobs),
            "where": ("str", lambda row: row[1].where),
        },
    )
