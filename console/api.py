"""The door of this room: what does a person see?"""

from console.operator import operator_site

__all__ = ["operator_site"]
