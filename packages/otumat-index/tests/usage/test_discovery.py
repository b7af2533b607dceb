"""What this index says it offers is there."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from django.test import Client
from django.urls import Resolver404, resolve


@pytest.mark.django_db
def test_the_document_names_this_host_and_its_doors(client: Client) -> None:
    told = client.get("/.well-known/oauth-authorization-server").json()
    assert told["issuer"] == "http://localhost:8000"
    for name, address in [*told.items(), *told["otumat_usage"].items()]:
        if name.endswith("_endpoint"):
            assert address.startswith(told["issuer"] + "/")
            try:
                resolve(urlsplit(address).path)
            except Resolver404:
                raise AssertionError(f"{name} is no door") from None
