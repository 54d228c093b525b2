"""What a memory request may reach: the scope behind its key and the user it names."""

from typing import Any, TypeAlias

from litestar import Request
from litestar.connection import ASGIConnection
from litestar.di import NamedDependency
from litestar.handlers import BaseRouteHandler
from litestar.types import Guard

from memoryos_adapters.settings import KeyScope
from memoryos_gateway.auth import Authenticator, Principal
from memoryos_gateway.identity import header_id, memory_scope, optional_id
from memoryos_ports.errors import PermissionDenied
from memoryos_ports.ids import AgentId, Scope, SessionId, TenantId

Connection: TypeAlias = ASGIConnection[Any, Any, Any, Any]


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

    def scope_of(self, needs: KeyScope, user_id: str) -> Scope:
        """Return the scope of the user that the path names, whatever the headers say.

        Raises PermissionDenied when the key may not do what is needed or does not speak for that user.
        """
        self._principal.require(needs)
        return Scope(tenant_id=self._principal.tenant_id, user_id=self._principal.must_speak_for(user_id))

    def tenant(self, needs: KeyScope) -> TenantId:
        """Return the tenant of the key. Raises PermissionDenied when it may not do what is needed."""
        self._principal.require(needs)
        return self._principal.tenant_id

    def whole_tenant(self, needs: KeyScope) -> TenantId:
        """Return the tenant of a key that is bound to no user. Raises PermissionDenied."""
        tenant_id = self.tenant(needs)
        if self._principal.user_id is not None:
            raise PermissionDenied("this key speaks for one user only")
        return tenant_id

    def own_scope(self) -> Scope | None:
        """Return the one scope that the key is bound to, None for a key of the whole tenant."""
        user_id = self._principal.user_id
        return None if user_id is None else Scope(tenant_id=self._principal.tenant_id, user_id=user_id)

    def session_id(self, named: str | None) -> SessionId | None:
        """Return the session of what is added: the body's, else that of `X-Session-ID`. Raises InvalidInput."""
        value = optional_id(named, "session_id") or header_id(self._request.scope, "X-Session-ID")
        return SessionId(value) if value else None

    def agent_id(self, named: str | None) -> AgentId | None:
        """Return the agent of what is added: the body's, else that of `X-Agent-ID`. Raises InvalidInput."""
        value = optional_id(named, "agent_id") or header_id(self._request.scope, "X-Agent-ID")
        return AgentId(value) if value else None


def only_authenticated(authenticator: Authenticator) -> Guard:
    """Return the guard that refuses a stranger before a byte of the body is read."""

    def check(connection: Connection, _: BaseRouteHandler) -> None:
        authenticator.authenticate(connection.scope)

    return check


async def provide_access(
    request: Request[Any, Any, Any], authenticator: NamedDependency[Authenticator]
) -> MemoryAccess:
    """Authenticate a request."""
    return MemoryAccess(request, authenticator.authenticate(request.scope))
