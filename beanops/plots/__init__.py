"""The plots face: still pictures of frames, for reports and notebooks. `Session.plot` draws them of a session.

What lives here: one module for each kind of picture (`over_time`, `age_curves`, `cause_bars`, `state_flow`), how all of
them look (`house`), what they write beside their marks (`labels`), and the methods of a session (`methods`). Importing
it imports matplotlib and pandas, which costs a second. Imports ui, session and below; only `beanops.accessors` imports
this room.
"""

from beanops.plots.age_curves import ages
from beanops.plots.cause_bars import groups
from beanops.plots.house import PlotFigure, Style
from beanops.plots.over_time import backlog, rates
from beanops.plots.state_flow import flow

__all__ = ["PlotFigure", "Style", "ages", "backlog", "flow", "groups", "rates"]
