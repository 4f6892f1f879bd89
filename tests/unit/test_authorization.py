"""What an app was granted is given once, also where two workers are shown it at one moment; a new password ends it."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest
from tests.web_house import House

from onmaru.kernel.accounts import User
from onmaru.kernel.authorization import Authorizations, Context, OAuthError, Wish
from onmaru.kernel.clients import Client

BACK = "https://app.example/back"
PROOF = "p" * 43
APP = Client("main", "app", "App", "none", ("authorization_code", "refresh_token"), "user/*.rs offline_access", (BACK,))


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    made = House(tmp_path)
    yield made
    made.close()


def consented(house: House) -> tuple[Authorizations, User, str]:
    """A code that a physician has just consented to."""
    apps = Authorizations(house.logins)
    house.logins.accounts.save_client(APP)
    user = house.user("doctor", "physician")
    challenge = urlsafe_b64encode(sha256(PROOF.encode()).digest()).rstrip(b"=").decode()
    wish = Wish(BACK, challenge, ("offline_access",), "user/Patient.rs")
    return apps, user, apps.code(APP, user, wish, "", Context(""))


def test_what_another_worker_was_shown_at_the_same_moment_is_given_once(house: House) -> None:
    apps, _, code = consented(house)
    unspent = house.logins.found(code)
    assert unspent is not None
    told = apps.redeem(APP, code, BACK, PROOF)
    # As the other worker has read it, before this one had spent it
    house.logins.accounts.save_grant(unspent)
    with pytest.raises(OAuthError) as refused:
        apps.redeem(APP, code, BACK, PROOF)
    assert refused.value.code == "invalid_grant"
    assert house.logins.standing(told.access) is None, "all that came of the consent has ended"


def test_a_new_password_ends_refreshing(house: House) -> None:
    apps, user, code = consented(house)
    told = apps.redeem(APP, code, BACK, PROOF)
    house.logins.set_password(user, "a new and long password")
    with pytest.raises(OAuthError):
        apps.refreshed(APP, told.refresh, "")
