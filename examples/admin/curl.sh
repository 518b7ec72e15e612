#!/usr/bin/env bash
# Provisions a merchant through the admin API, by curl and jq: the merchant, an API
# key whose secret it writes into a file, a rotation of that, and what the audit log
# has to say about it.
#
#   ./curl.sh 4260
set -euo pipefail
: "${TOKENWRIGHT_URL:?}" "${TOKENWRIGHT_CLIENT_ID:?}" "${TOKENWRIGHT_CLIENT_SECRET_FILE:?}"
merchant=${1:?the ID of a merchant to create}
umask 077 # what is written, nobody else reads

# Secrets and tokens go to curl by standard input, for everybody can see the
# arguments of a program. Management scopes come only when they are asked for.
token=$(printf 'user = "%s:%s"\n' "$TOKENWRIGHT_CLIENT_ID" "$(<"$TOKENWRIGHT_CLIENT_SECRET_FILE")" |
	curl -sS --fail-with-body --max-time 10 --config - --data grant_type=client_credentials \
		--data-urlencode "resource=$TOKENWRIGHT_URL/admin" "$TOKENWRIGHT_URL/oauth/token" | jq -r .access_token)

# call METHOD PATH [JSON] prints the answer; of one that is no success it says why.
# Whoever sends the same again, with the same Idempotency-Key, gets the same answer.
call() {
	local answer
	if ! answer=$(printf 'header = "Authorization: Bearer %s"\nheader = "Idempotency-Key: %s"\n' "$token" "$(openssl rand -hex 16)" |
		curl -sS --fail-with-body --max-time 10 --config - --request "$1" ${3:+--json "$3"} "$TOKENWRIGHT_URL/admin/v1$2"); then
		jq -r '"\(.reason): \(.message)"' <<<"$answer" >&2
		return 1
	fi
	echo "$answer"
}

call POST /merchants "$(jq -n --arg id "$merchant" '{id: $id, name: "Example"}')" >/dev/null
id=$(call POST /api-keys "$(jq -n --arg id "$merchant" '{merchantId: $id, env: "demo", name: "Orders sync", scopes: ["customers:read"]}')" | jq -r .clientId)
call POST "/api-keys/$id/rotate" '{"name": "second"}' | jq -r .clientSecret >"$id.secret" # the first works on for a day
call GET "/events?merchantId=$merchant" | jq -r '.items[] | "\(.seq) \(.kind) \(.subject)"'
