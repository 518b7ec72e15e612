#!/usr/bin/env python3
"""Calls an API with access tokens of Tokenwright, by Requests-OAuthlib.

Each line of standard input is a path to call; all calls share one token:

    echo /customers | python3 python-requests-oauthlib.py
"""
import os
import random
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import requests
from oauthlib.oauth2 import BackendApplicationClient, OAuth2Error
from requests_oauthlib import OAuth2Session

if os.environ["TOKENWRIGHT_URL"].startswith("http://localhost:"):
    os.environ["OAUTHLIB_INSECURE_TRANSPORT"] = "1"  # https is for what leaves this machine


def exchange():
    """Get a token. The secret is read each time, so that it can be changed while this runs."""
    file = os.environ.get("TOKENWRIGHT_CLIENT_SECRET_FILE")
    secret = Path(file).read_text().strip() if file else os.environ["TOKENWRIGHT_CLIENT_SECRET"]
    with OAuth2Session(client=BackendApplicationClient(os.environ["TOKENWRIGHT_CLIENT_ID"])) as session:
        return session.fetch_token(os.environ["TOKENWRIGHT_URL"] + "/oauth/token", client_secret=secret, timeout=10)  # HTTP Basic


class FreshToken(requests.auth.AuthBase):
    """One access token for all threads, always fresh: requests.get(url, auth=fresh_token)."""

    def __init__(self):
        self.lock, self.worker = threading.Lock(), ThreadPoolExecutor(1)
        self.coming = None  # the exchange that is on its way
        self.token, self.due, self.end = None, 0, 0
        self.error, self.quiet = None, 0  # why the last exchange failed, and until when there is no other

    def get(self, refused=None):
        """Return a token, but not the refused one. One caller has it renewed; the old one is used while it lives."""
        with self.lock:
            now = time.monotonic()
            if self.token == refused or now >= self.end:
                self.token = None
            if not self.coming and now >= self.quiet and (self.token is None or now >= self.due):
                self.coming = self.worker.submit(self.renew)
            if self.token:
                return self.token
            if not self.coming:
                raise self.error
            coming = self.coming
        return coming.result()

    def renew(self):
        now = time.monotonic()
        try:
            answer, error = exchange(), None
        except Exception as failure:
            answer, error = None, failure
        with self.lock:
            self.coming, self.error = None, error
            if error:  # what is refused is refused again: no more for a minute
                refused = isinstance(error, OAuth2Error) and error.error != "temporarily_unavailable"
                self.quiet = time.monotonic() + (60 if refused else random.uniform(2, 6))
                raise error
            self.token, self.end = answer["access_token"], now + answer["expires_in"]
            self.due = now + answer["expires_in"] * random.uniform(0.75, 0.85)  # not all processes at once
            return self.token

    def __call__(self, request):
        request.headers["Authorization"] = "Bearer " + self.get()
        request.register_hook("response", self.replay)
        return request

    def replay(self, response, **how):
        """Send once more what was answered 401 invalid_token: tokens can be revoked."""
        sent = response.request.headers.get("Authorization")  # none where another host has redirected to
        if response.status_code != 401 or not sent or 'error="invalid_token"' not in response.headers.get("WWW-Authenticate", ""):
            return response
        response.close()
        again = response.request.copy()
        again.headers["Authorization"] = "Bearer " + self.get(refused=sent.removeprefix("Bearer "))
        return response.connection.send(again, **how)


fresh_token = FreshToken()


def call(path):
    """Call the API. Return whether that went well."""
    try:
        response = requests.get(os.environ["API_URL"] + path, auth=fresh_token, timeout=10)
        response.raise_for_status()
    except Exception as error:
        print(f"{path}: {error}", file=sys.stderr)
        return False
    print(f"{response.status_code} {path}\n", end="", flush=True)
    return True


if __name__ == "__main__":
    with ThreadPoolExecutor(20) as pool:
        calls = [pool.submit(call, line.strip()) for line in sys.stdin]
    sys.exit(0 if all(done.result() for done in calls) else 1)
