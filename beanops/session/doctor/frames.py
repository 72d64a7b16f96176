"""Diagnoses as a DataFrame. Importing this module imports pandas, which costs half a second."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from beanops.frames import frame
from beanops.session.doctor.diagnosis import Diagnosis


def diagnoses_frame(found: Sequence[Diagnosis]) -> pd.DataFrame:
    """Return diagnoses as a frame; see `Session.doctor` for its columns."""
    return frame(found, {name: ("str", name) for name in Diagnosis._fields})
