"""PyJWT, with its client for key sets. It leaves typ to its user."""
import jwt

import protocol


def set_up(jwksUri, issuer, audience, algorithm, **_):
    keys = jwt.PyJWKClient(jwksUri)

    def verify(token):
        key = keys.get_signing_key_from_jwt(token).key
        found = jwt.api_jwt.decode_complete(token, key, algorithms=[algorithm], issuer=issuer, audience=audience)
        if found["header"]["typ"] != "at+jwt":
            raise jwt.InvalidTokenError("typ is not at+jwt")
        return found["payload"]

    return verify


protocol.verifier("PyJWT", set_up)
