"""What all faces share: no widgets, no printing, no server.

Imports session and below; only the faces import this room.
"""
