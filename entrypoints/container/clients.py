"""Clients, wired."""

from dependency_injector import containers, providers

from application.clients.add_client import AddClient
from application.clients.authenticate_client import AuthenticateClient
from application.clients.introspect_token import IntrospectToken
from application.clients.list_clients import ListClients
from application.clients.remove_client import RemoveClient
from application.clients.revoke_token import RevokeToken


class Clients(containers.DeclarativeContainer):
    adapters = providers.DependenciesContainer()

    add_client: providers.Provider[AddClient] = providers.Singleton(
        AddClient, store=adapters.store, client_secrets=adapters.client_secrets, clock=adapters.clock
    )
    remove_client: providers.Provider[RemoveClient] = providers.Singleton(RemoveClient, store=adapters.store)
    list_clients: providers.Provider[ListClients] = providers.Singleton(ListClients, store=adapters.store)
    authenticate_client: providers.Provider[AuthenticateClient] = providers.Singleton(AuthenticateClient, store=adapters.store)
    introspect_token: providers.Provider[IntrospectToken] = providers.Singleton(
        IntrospectToken,
        store=adapters.store,
        access_tokens=adapters.access_tokens,
        refresh_tokens=adapters.refresh_tokens,
        lifetimes=adapters.lifetimes,
    )
    revoke_token: providers.Provider[RevokeToken] = providers.Singleton(
        RevokeToken, store=adapters.store, access_tokens=adapters.access_tokens, refresh_tokens=adapters.refresh_tokens
    )
