"""Who asks, in which project, and what that allows."""

from dataclasses import dataclass
from typing import get_args

from storage.tables import Scope

from ..exceptions import ForeignProjectError

SCOPES: frozenset[Scope] = frozenset(get_args(Scope))
# The project a request means that names none.
DEFAULT_PROJECT = "default"


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks.

    Attributes:
        key_id: The key that was shown; None where there are no keys.
        project: The one project it opens; None is every project, without keys.
        scopes: What it may do there.
    """

    key_id: str | None
    project: str | None
    scopes: frozenset[Scope]

    def allows(self, scope: Scope) -> bool:
        """Whether it may; `admin` includes the others."""
        return scope in self.scopes or "admin" in self.scopes

    def meant(self, project: str) -> str:
        """The project that a name stands for; `default` is the key's own."""
        return self.project or project if project == DEFAULT_PROJECT else project

    def own(self, project: str) -> str:
        """The project to write to.

        Raises:
            ForeignProjectError: The key opens another than the name stands for.
        """
        meant = self.meant(project)
        if self.project not in (None, meant):
            raise ForeignProjectError(self.project)
        return meant


# On one's own machine, while no key was ever made.
OWNER = Caller(None, None, SCOPES)
# Asks for what everybody may see.
ANYBODY = Caller(None, "", frozenset())
