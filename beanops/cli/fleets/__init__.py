"""Commands on several servers at once: ``-s`` names a group, a glob, or more than one.

What lives here: the option (`server_option`), the fleet of a command and its end (`opening`), and what commands do with
it: look (`looking`), act (`acting`) and read the journal (`journal`). The modules in `commands` import this room where
``-s`` names several.
"""
