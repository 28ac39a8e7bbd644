"""Which methods an address knows; the framework names those of one route alone."""

from fastapi import Request
from fastapi.routing import iter_route_contexts
from starlette.routing import Route


def allowed_methods(request: Request) -> list[str]:
    """The methods of all routes of a request's address, in order."""
    found = set[str]()
    for route in iter_route_contexts(request.app.routes):
        if isinstance(route.original_route, Route):
            is_here = route.path_regex.match(request.url.path)
            found |= (route.methods or set()) if is_here else set()
    return sorted(found)
