"""Requests-OAuthlib."""
import os

from oauthlib.oauth2 import BackendApplicationClient, OAuth2Error
from requests_oauthlib import OAuth2Session

import protocol

os.environ["OAUTHLIB_INSECURE_TRANSPORT"] = "1"  # for http://localhost only


def get_token(tokenEndpoint, clientId, clientSecret, auth, **_):
    session = OAuth2Session(client=BackendApplicationClient(client_id=clientId))
    in_body = auth == "body"  # otherwise Basic
    token = session.fetch_token(tokenEndpoint, client_secret=clientSecret, include_client_id=in_body)
    return token["access_token"]


protocol.client("requests-oauthlib", get_token, lambda err: err.error if isinstance(err, OAuth2Error) else None)
