import base64

import pytest

from storage.webhooks.secrets import MissingSecretKeyError, Secrets

OLD, NEW = "o" * 32, "n" * 32


def test_without_a_key_it_is_stored_as_it_is():
    stored = Secrets().new()

    assert Secrets().reveal(stored) == stored
    assert len(base64.b64decode(stored.removeprefix("whsec_"))) == 32


def test_with_a_key_what_is_stored_is_not_the_secret():
    secrets = Secrets([NEW])
    stored = secrets.new()
    secret = secrets.reveal(stored)

    assert secret.removeprefix("whsec_") not in stored
    assert NEW not in stored
    assert len(base64.b64decode(secret.removeprefix("whsec_"))) == 32
    assert Secrets([NEW]).reveal(stored) == secret


def test_no_two_are_alike():
    secrets = Secrets([NEW])

    assert len({secrets.reveal(secrets.new()) for _ in range(100)}) == 100


def test_a_new_key_leaves_the_secrets_of_old_ones_as_they_were():
    plain, derived = Secrets().new(), Secrets([OLD]).new()

    both = Secrets([NEW, OLD])

    assert both.reveal(plain) == plain
    assert both.reveal(derived) == Secrets([OLD]).reveal(derived)
    assert Secrets([NEW]).reveal(both.new())


def test_a_key_that_is_gone_is_missed_by_its_name():
    with pytest.raises(MissingSecretKeyError, match="GRADHEALTH_WEBHOOK_SECRET_KEY"):
        Secrets([NEW]).reveal(Secrets([OLD]).new())
