"""What a memory request may reach: the scope behind its key and the user it names."""

from typing import Any

from litestar import Request

from memoryos_adapters.settings import KeyScope
from memoryos_gateway.auth import Authenticator, Principal
from memoryos_gateway.identity import memory_scope
from memoryos_ports.ids import Scope


class MemoryAccess:
    """The authenticated side of one memory request."""

    def __init__(self, request: Request[Any, Any, Any], principal: Principal) -> None:
        self._request = request
        self._principal = principal

    def scope(self, needs: KeyScope, user_id: str | None) -> Scope:
        """Return the scope of the request.

        Raises PermissionDenied when the key may not do what is needed, InvalidInput when no user is known.
        """
        self._principal.require(needs)
        return memory_scope(self._request.scope, self._principal, user_id)


async def provide_access(request: Request[Any, Any, Any], authenticator: Authenticator) -> MemoryAccess:
    """Authenticate a request."""
    return MemoryAccess(request, authenticator.authenticate(request.scope))
