"""Keys, wired."""

from dependency_injector import containers, providers

from application.keys.compromise_signing_key import CompromiseSigningKey
from application.keys.follow_key_ring import FollowKeyRing
from application.keys.import_signing_key import ImportSigningKey
from application.keys.list_signing_keys import ListSigningKeys
from application.keys.plan_rotation import PlanRotation
from application.keys.prepare_signing_key import PrepareSigningKey
from application.keys.publish_key_set import PublishKeySet
from application.keys.publish_revocations import PublishRevocations
from application.keys.reseal_signing_keys import ResealSigningKeys
from application.keys.retire_signing_keys import RetireSigningKeys
from application.keys.rotate_due_signing_key import RotateDueSigningKey
from application.keys.rotate_signing_key import RotateSigningKey


class Keys(containers.DeclarativeContainer):
    adapters = providers.DependenciesContainer()

    prepare_signing_key: providers.Provider[PrepareSigningKey] = providers.Singleton(
        PrepareSigningKey, store=adapters.store, signing_keys=adapters.signing_keys, key_policy=adapters.key_policy
    )
    publish_key_set: providers.Provider[PublishKeySet] = providers.Singleton(
        PublishKeySet, signing_keys=adapters.signing_keys, key_policy=adapters.key_policy
    )
    publish_revocations: providers.Provider[PublishRevocations] = providers.Singleton(
        PublishRevocations, store=adapters.store, feed_cursors=adapters.feed_cursors
    )
    follow_key_ring: providers.Provider[FollowKeyRing] = providers.Singleton(FollowKeyRing, signing_keys=adapters.signing_keys)
    list_signing_keys: providers.Provider[ListSigningKeys] = providers.Singleton(ListSigningKeys, store=adapters.store)
    plan_rotation: providers.Provider[PlanRotation] = providers.Singleton(
        PlanRotation, store=adapters.store, signing_keys=adapters.signing_keys, key_policy=adapters.key_policy
    )
    rotate_signing_key: providers.Provider[RotateSigningKey] = providers.Singleton(
        RotateSigningKey,
        store=adapters.store,
        signing_keys=adapters.signing_keys,
        events=adapters.events,
        key_policy=adapters.key_policy,
    )
    rotate_due_signing_key: providers.Provider[RotateDueSigningKey] = providers.Singleton(
        RotateDueSigningKey,
        store=adapters.store,
        signing_keys=adapters.signing_keys,
        events=adapters.events,
        key_policy=adapters.key_policy,
    )
    retire_signing_keys: providers.Provider[RetireSigningKeys] = providers.Singleton(
        RetireSigningKeys, store=adapters.store, signing_keys=adapters.signing_keys
    )
    compromise_signing_key: providers.Provider[CompromiseSigningKey] = providers.Singleton(
        CompromiseSigningKey,
        store=adapters.store,
        signing_keys=adapters.signing_keys,
        key_policy=adapters.key_policy,
    )
    import_signing_key: providers.Provider[ImportSigningKey] = providers.Singleton(
        ImportSigningKey, store=adapters.store, signing_keys=adapters.signing_keys
    )
    reseal_signing_keys: providers.Provider[ResealSigningKeys] = providers.Singleton(
        ResealSigningKeys, store=adapters.store, signing_keys=adapters.signing_keys
    )
