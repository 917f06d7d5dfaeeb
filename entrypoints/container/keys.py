"""Keys, wired."""

from dependency_injector import containers, providers

from application.keys.prepare_signing_key import PrepareSigningKey
from application.keys.publish_key_set import PublishKeySet


class Keys(containers.DeclarativeContainer):
    adapters = providers.DependenciesContainer()

    prepare_signing_key: providers.Provider[PrepareSigningKey] = providers.Singleton(
        PrepareSigningKey, store=adapters.store, signing_keys=adapters.signing_keys, key_policy=adapters.key_policy
    )
    publish_key_set: providers.Provider[PublishKeySet] = providers.Singleton(
        PublishKeySet, signing_keys=adapters.signing_keys, key_policy=adapters.key_policy
    )
