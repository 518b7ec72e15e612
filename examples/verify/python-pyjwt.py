"""An API that takes access tokens of Tokenwright, in Python with PyJWT.

What stands above the API is made to be copied: Revocations keeps up with what is
revoked, verify() judges a token, authenticate() one of a request, and a Refusal
says why not. PyJWT 2.6 or newer, with cryptography.
"""
import json
import os
import random
import threading
import time
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import jwt

ISSUER = os.environ.get("TOKENWRIGHT_ISSUER", "http://localhost:8080/demo")
AUDIENCE = os.environ.get("TOKENWRIGHT_AUDIENCE", ISSUER + "/api")
ALGORITHMS = ["ES256"]  # as the environment is configured
MAX_STALE = int(os.environ.get("MAX_STALE", "3600"))  # seconds without news of revocations: as long as a token lives
FEED_WAIT = max(1, min(30, MAX_STALE // 3))  # seconds that a request waits for news

invalid = jwt.InvalidTokenError


class Unavailable(Exception):
    """Nothing can be said about a token now."""


class NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None


open_url = urllib.request.build_opener(NoRedirects).open


class Keys:
    """The signing keys. Where they cannot be read again the known ones go on."""

    def __init__(self):
        self.lock, self.by_id, self.read_at = threading.Lock(), {}, -1e9

    def read(self):
        self.read_at = time.monotonic()
        with open_url(ISSUER + "/oauth/jwks", timeout=10) as answer:
            self.by_id = {key.key_id: key for key in jwt.PyJWKSet.from_dict(json.load(answer)).keys}

    def get(self, kid, pause=60):
        with self.lock:  # strangers make key IDs up: one request a minute is all they cause
            if kid not in self.by_id and time.monotonic() - self.read_at > pause:
                try:
                    self.read()
                except OSError as err:
                    raise Unavailable("the signing keys cannot be read") from err
        if kid not in self.by_id:
            raise invalid("the signing key is unknown")
        return self.by_id[kid].key

    def follow(self):
        while True:
            time.sleep(240)  # a set may be kept for 300 s
            try:
                self.read()
            except Exception as err:
                print("the signing keys cannot be read:", err, flush=True)


KEYS = Keys()


def decode(token, typ, pause=60, **expected):
    """The header and claims of what a key of the issuer has signed."""
    header = jwt.get_unverified_header(token)
    if header.get("typ", "").lower() != typ or not isinstance(header.get("kid"), str):
        raise invalid("of another type")
    return header, jwt.decode(token, KEYS.get(header["kid"], pause), algorithms=ALGORITHMS, issuer=ISSUER, **expected)


class Revocations:
    """What is revoked (/docs/revocation of the server). Nothing is asked per token."""

    def __init__(self):
        self.issued_at, self.lineage, self.seq, self.min_gen = 0, 0, -1, 0
        self.cutoffs, self.tokens, self.signing_keys = {}, {}, set()
        self.whole_at = -1e9

    def read(self, wait):
        whole = time.monotonic() - self.whole_at > 3600  # to forget what the issuer has forgotten
        query = "" if whole else f"?after={self.seq}" + (f"&wait={FEED_WAIT}s" if wait else "")
        with open_url(ISSUER + "/oauth/revocations" + query, timeout=60) as answer:
            header, feed = decode(
                answer.read().decode(), "revocations+jwt", pause=0, leeway=60, options={"verify_aud": False}
            )  # its key cannot wait: the known one may be stolen
        if header["kid"] in self.signing_keys or header["kid"] in feed["signing_keys"]:
            raise invalid("the feed is signed by a revoked key")
        if (feed["lineage"], feed["seq"]) < (self.lineage, self.seq):
            raise invalid("the feed is older than the one known")
        if "after" in feed and (feed["lineage"] != self.lineage or feed["after"] > self.seq):
            self.whole_at = -1e9  # a restore, or news that are missing
            return
        partial = "after" in feed
        cutoffs, tokens = (dict(self.cutoffs), dict(self.tokens)) if partial else ({}, {})
        for cutoff in feed["cutoffs"]:
            cutoffs[cutoff["client_id"]] = max(cutoff["gen"], cutoffs.get(cutoff["client_id"], 0))
        tokens.update((token["jti"], token["exp"]) for token in feed["tokens"])
        self.tokens = {jti: exp for jti, exp in tokens.items() if exp + 60 > time.time()}
        self.cutoffs, self.signing_keys = cutoffs, self.signing_keys | set(feed["signing_keys"])
        self.min_gen, self.issued_at = max(self.min_gen, feed["min_gen"]), max(self.issued_at, feed["iat"])
        self.lineage, self.seq = feed["lineage"], feed["seq"]
        if not partial:
            self.whole_at = time.monotonic()

    def follow(self):
        failures = 0
        while True:
            try:
                self.read(wait=failures == 0)
                failures = 0
            except Exception as err:  # whatever it is, go on with what is known
                failures += 1
                if failures == 1:
                    print("no news of revocations:", err, flush=True)
            time.sleep(0.5 if failures == 0 else min(5, 0.25 * 2**failures) * random.uniform(0.5, 1.5))

    def check(self, kid, claims):
        if time.time() - self.issued_at > MAX_STALE:
            raise Unavailable("what is known of revocations is too old")
        generation = max(self.min_gen, self.cutoffs.get(claims["client_id"], 0))
        if claims["gen"] < generation or claims["jti"] in self.tokens or kid in self.signing_keys:
            raise invalid("Revoked token.")


REVOCATIONS = Revocations()


def verify(token):
    """The claims of an access token that is to be accepted."""
    required = ["exp", "iat", "jti", "client_id", "gen", "scope", "claims"]
    header, claims = decode(token, "at+jwt", audience=AUDIENCE, leeway=5, options={"require": required})
    if claims["aud"] != AUDIENCE:  # PyJWT takes a list that has it as well
        raise invalid("for more than this API")
    REVOCATIONS.check(header["kid"], claims)
    return claims


class Refusal(Exception):
    """Why a request may not pass, and how that is answered."""

    def __init__(self, status, code, message, scope=""):
        challenge = f'Bearer realm="{AUDIENCE}"' + (f', error="{code}"' if code else "") + (f', scope="{scope}"' if scope else "")
        self.status, self.body = status, {"code": str(status), "message": message}
        self.headers = {"Retry-After": "5"} if status == 503 else {"WWW-Authenticate": challenge}


def authenticate(authorization, scope):
    """The claims of a request that may pass, by its header Authorization. The
    merchant is who they say, never who the request says."""
    scheme, _, token = (authorization or "").partition(" ")
    if scheme.lower() != "bearer":
        raise Refusal(401, "", "Access token missing.")
    try:
        claims = verify(token.strip(" "))
    except jwt.ExpiredSignatureError as err:
        raise Refusal(401, "invalid_token", "Expired token.") from err
    except jwt.PyJWTError as err:
        raise Refusal(401, "invalid_token", str(err) if str(err) == "Revoked token." else "Invalid token.") from err
    except Unavailable as err:
        raise Refusal(503, "", "Access tokens cannot be verified at the moment.") from err
    if scope not in claims["scope"].split(" "):
        raise Refusal(403, "insufficient_scope", f"The access token lacks the scope {scope}.", scope)
    return claims


def start():
    REVOCATIONS.read(wait=False)  # an API that cannot know what is revoked does not start
    for follow in (KEYS.follow, REVOCATIONS.follow):
        threading.Thread(target=follow, daemon=True).start()


# The API.
class API(BaseHTTPRequestHandler):
    def do_GET(self):
        try:
            claims = authenticate(self.headers.get("Authorization"), "customers:read")["claims"]
        except Refusal as refusal:
            return self.answer(refusal.status, refusal.body, refusal.headers)
        self.answer(200, {"merchantId": claims["merchantId"], "env": claims["env"]}, {})

    def answer(self, status, body, headers):
        data = json.dumps(body, separators=(",", ":")).encode()
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", "Content-Length": str(len(data)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_):  # a log of your own: it must not hold tokens
        pass


if __name__ == "__main__":
    start()
    server = ThreadingHTTPServer(("localhost", int(os.environ.get("PORT", "8090"))), API)
    print(f"listening on http://localhost:{server.server_address[1]}", flush=True)
    server.serve_forever()
