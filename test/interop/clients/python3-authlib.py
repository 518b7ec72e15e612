"""Authlib, with its session for Requests."""
from authlib.integrations.base_client.errors import OAuthError
from authlib.integrations.requests_client import OAuth2Session

import protocol


def get_token(tokenEndpoint, clientId, clientSecret, auth, **_):
    method = "client_secret_basic" if auth == "basic" else "client_secret_post"
    session = OAuth2Session(clientId, clientSecret, token_endpoint_auth_method=method)
    token = session.fetch_token(tokenEndpoint, grant_type="client_credentials")
    return token["access_token"]


protocol.client("Authlib", get_token, lambda err: err.error if isinstance(err, OAuthError) else None)
