"""Commands on several servers at once: ``-s`` names a group, a glob, or more than one."""
