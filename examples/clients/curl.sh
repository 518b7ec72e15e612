#!/usr/bin/env bash
# Calls an API with access tokens of Tokenwright, by curl and jq. Each line of
# standard input is a path to call; all calls run at once and share one token:
#
#   echo /customers | ./curl.sh
set -euo pipefail
: "${TOKENWRIGHT_URL:?}" "${TOKENWRIGHT_CLIENT_ID:?}" "${API_URL:?}"

state=$(mktemp -d) # nobody else can look into it
trap 'rm -rf "$state"' EXIT

# exchange gets a new token. Secrets and tokens go to curl by standard input,
# for everybody can see the arguments of a program.
exchange() {
	local now=$SECONDS secret answer
	if [[ -e $state/refused ]]; then return 1; fi # the same request gets the same answer
	secret=${TOKENWRIGHT_CLIENT_SECRET:-$(<"${TOKENWRIGHT_CLIENT_SECRET_FILE:?}")} || return 1
	answer=$(printf 'user = "%s:%s"\n' "$TOKENWRIGHT_CLIENT_ID" "$secret" |
		curl -sS --max-time 10 --config - --data grant_type=client_credentials "$TOKENWRIGHT_URL/oauth/token") || return 1
	if jq -e .access_token <<<"$answer" >/dev/null 2>&1; then # to be renewed at 80 % of its life
		jq -r "\"\(.access_token) \($now + .expires_in * 8 / 10 | floor) \($now + .expires_in)\"" <<<"$answer" >"$state/new"
		mv "$state/new" "$state/token"
		return
	fi
	jq -r '"\(.error): \(.error_description)"' <<<"$answer" >&2 || return 1 # not even JSON
	if [[ $(jq -r .error <<<"$answer") != temporarily_unavailable ]]; then touch "$state/refused"; fi
	return 1
}

# look reads the current token; $token is empty where it has ended or is $refused.
look() {
	token='' due=0 end=0
	if [[ -e $state/token ]]; then read -r token due end <"$state/token"; fi
	if [[ $token == "$refused" ]] || ((SECONDS >= end)); then token=''; fi
}

# token prints a token, but not the one that was refused ($1). One caller at a
# time gets a new one; the others wait for it, or use the old one while it lives.
token() {
	local refused=${1-} token due end
	look
	if [[ -z $token ]] || ((SECONDS >= due)); then
		exec 9>"$state/lock"
		if flock ${token:+--nonblock} 9; then
			look
			if [[ -z $token ]] || ((SECONDS >= due)); then exchange 9>&- || true; fi
			look
		fi
	fi
	[[ -n $token ]] && echo "$token"
}

# call prints the status and the path ($1). The body is yours to use.
call() {
	local bearer status challenge
	bearer=$(token) && request "$1" || return 1
	if [[ $status == 401 && $challenge == *'error="invalid_token"'* ]]; then # revoked: once more, with a new one
		bearer=$(token "$bearer") && request "$1" || return 1
	fi
	if [[ $status != 2?? ]]; then echo "$1: status $status" >&2 && return 1; fi
	echo "$status $1"
}

request() {
	read -r status challenge < <(printf 'header = "Authorization: Bearer %s"\n' "$bearer" |
		curl -sS --max-time 10 --config - --output /dev/null --write-out '%{http_code} %header{www-authenticate}\n' "$API_URL$1")
	[[ $status != 000 ]]
}

while read -r path; do { call "$path" || touch "$state/failed"; } & done
wait
[[ ! -e $state/failed ]]
