"""A beanstalkd-compatible server in pure Python, for trying things out, for tests and for teaching.

What lives here: the queue as a state machine (`machine`), a connection without its socket (`dialogue`), the
asyncio server (`server`) and two ways to start one: `serve` in code, `run` for the command line. Jobs are in memory
only; production runs the real beanstalkd. This room imports `beanops.protocol` alone, and tests, the demo and the
command line import it.
"""

from beanops.embedded.launch import run, serve

__all__ = ["run", "serve"]
