"""jwcrypto, which leaves fetching the key set, and typ, to its user."""
import json

import requests
from jwcrypto.jwk import JWKSet
from jwcrypto.jwt import JWT

import protocol


def set_up(jwksUri, issuer, audience, algorithm, **_):
    keys = JWKSet.from_json(requests.get(jwksUri, timeout=10).text)

    def verify(token):
        jwt = JWT(algs=[algorithm], check_claims={"iss": issuer, "aud": audience, "exp": None})
        jwt.leeway = 0  # instead of 60 s
        jwt.deserialize(token, keys)
        if jwt.token.jose_header["typ"] != "at+jwt":
            raise ValueError("typ is not at+jwt")
        return json.loads(jwt.claims)

    return verify


protocol.verifier("jwcrypto", set_up)
