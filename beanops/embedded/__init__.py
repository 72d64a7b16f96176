"""A beanstalkd-compatible server in pure Python, for trying things out, for tests and for teaching.

What lives here: the queue as a state machine (`queues`, `machine`), a connection without its socket (`dialogue`,
`dispatch`), the sockets (`sockets`, `server`), the servers that it can be (`dialects`, `releases`), two ways to
start one (`serve` in code, `run` for the command line), and `process`, which starts the real beanstalkd. This room
imports `beanops.protocol` alone; the command line with its demo, the pytest plugin and the tests import it.

It answers as the real one does, and differs where that cannot be seen or is luck there: jobs are in memory only; a
body that is still on its way is shown with zeros for what is missing; a ttr that ends is never overlooked by a race;
a reply that is not read yet does not keep its tube in being.
"""

from beanops.embedded.launch import run, serve

__all__ = ["run", "serve"]
