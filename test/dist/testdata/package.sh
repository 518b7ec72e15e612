# What somebody does with the package, as root of a machine that systemd has started.
# /dist is the release, /out takes what is to be kept. Ends with 0 where all is well.
set -euxo pipefail
export LC_ALL=C.UTF-8
config=/etc/tokenwright/tokenwright.yaml key=/etc/tokenwright/master.key data=/var/lib/tokenwright
as() { runuser -u tokenwright -- env TOKENWRIGHT_CONFIG=$config tokenwright "$@"; }
shown() { systemctl show --property "$1" --value tokenwright; }
fails() { ! "$@" || { echo "this should fail: $*"; exit 1; }; }
# eventually runs a command until it succeeds, a minute at most.
eventually() {
	local n
	for ((n = 0; n < 600; n++)); do
		! "$@" || return 0
		sleep 0.1
	done
	echo "this does not come: $*"
	exit 1
}
rm -f /usr/sbin/policy-rc.d # of the machine, which may start no service at all
rm -f /var/lib/man-db/auto-update # its index takes seconds, and is not ours
userdel tokenwright 2>/dev/null || true
rm -rf /etc/tokenwright $data

: == installed, and not started
dpkg --install /dist/*.deb >/out/install
grep -q 'set url in /etc/tokenwright/tokenwright.yaml' /out/install
grep -q 'Keep a copy' /out/install
[[ $(stat -c '%U:%G %a' $key) == 'root:tokenwright 640' ]]
[[ $(stat -c '%U:%G %a' $data) == 'tokenwright:tokenwright 700' ]]
[[ $(base64 -d $key | wc -c) == 32 ]]
[[ $(dpkg-query --show --showformat '${Conffiles}' tokenwright) == *$config* ]]
dpkg --verify tokenwright
fails systemctl is-enabled --quiet tokenwright
fails systemctl is-active --quiet tokenwright
man --where tokenwright-serve

: == the unit
systemd-analyze verify tokenwright.service 2>/out/verify
fails grep -i tokenwright /out/verify
systemd-analyze security --no-pager --threshold=15 tokenwright.service

: == the first start wants the URL, and is not tried again and again
fails systemctl start tokenwright
[[ $(shown ActiveState) == failed ]]
[[ ! -e $data/tokenwright.db ]]
sed -i 's|^url:.*|url: https://tokens.example.com|' $config
as config check >/dev/null
systemctl enable --now tokenwright
[[ $(shown Type) == notify ]]
[[ $(shown StatusText) == 'Serving https://tokens.example.com' ]]
[[ $(stat -c '%U %a' $data/tokenwright.db) == 'tokenwright 600' ]]

: == the first token
as merchant create --id 4259 --name Acme
as scope create customers:read --description 'Look up customers'
as key create --merchant 4259 --env demo --name Orders --scope customers:read -o json >/out/key
token() {
	jq '{client_id: .clientId, client_secret: .clientSecret, grant_type: "client_credentials"}' /out/key |
		curl -fsS --noproxy '*' -H 'Content-Type: application/json' -d @- http://127.0.0.1:8080/oauth/token
}
token | jq -e '.token_type == "bearer" and .expires_in == 3600'
as event list -o json | jq -e 'any(.[]; .actor | startswith("cli:tokenwright@"))'

: == systemd reloads it, starts it again after a crash, and an upgrade restarts it
systemctl reload tokenwright
before=$(shown MainPID)
systemctl kill --signal=KILL tokenwright
again() {
	local now
	now=$(shown MainPID)
	[[ $(shown ActiveState) == active && $now != "$before" && $now != 0 ]]
}
eventually again
token >/dev/null
before=$(shown MainPID)
sum=$(sha256sum $key)
dpkg --install /dist/*.deb >/out/upgrade
again
token >/dev/null
fails grep -q 'Next:' /out/upgrade
grep -q tokens.example.com $config

: == a node whose database is away has started, and says what it waits for
mkdir -p /run/systemd/system/tokenwright.service.d
printf '[Service]\nEnvironment=TOKENWRIGHT_DATABASE=postgres://nobody@127.0.0.1:1/nothing\n' >/run/systemd/system/tokenwright.service.d/away.conf
systemctl daemon-reload
systemctl restart tokenwright
[[ $(shown StatusText) == 'Waiting for the database, which does not answer' ]]
rm /run/systemd/system/tokenwright.service.d/away.conf

: == what the documentation says of port 443, and of a URL of the database with a password
sed -n '/443.conf not-run/,/^```$/p' /docs/install.md | sed '1d;$d' >/run/systemd/system/tokenwright.service.d/443.conf
sed -n '/database.conf not-run/,/^```$/p' /docs/install.md | sed '1d;$d' >/run/systemd/system/tokenwright.service.d/database.conf
echo "sqlite:$data/tokenwright.db" >/etc/tokenwright/database
chmod 600 /etc/tokenwright/database
sed -i 's/^listen: .*/listen: 127.0.0.1:443/; /^data:/d' $config
systemctl daemon-reload
systemctl restart tokenwright
curl -fsS --noproxy '*' http://127.0.0.1:443/readyz
rm -r /run/systemd/system/tokenwright.service.d /etc/tokenwright/database
sed -i "s/^listen: .*/listen: 127.0.0.1:8080/; \$a data: $data" $config
systemctl daemon-reload
systemctl restart tokenwright
token >/dev/null

: == removed: it has ended, and what nobody can make again stays
dpkg --remove tokenwright
fails curl -fsS --noproxy '*' http://127.0.0.1:8080/healthz
[[ -z $(find /etc/systemd/system -name 'tokenwright*') ]]
dpkg --purge tokenwright >/out/purge
grep -q "^$data stays" /out/purge
grep -q "^$key stays" /out/purge
[[ -s $data/tokenwright.db && $(sha256sum $key) == "$sum" && ! -e $config && ! -e /usr/bin/tokenwright ]]

: == no new key beside a database
mv $key /root/
dpkg --install /dist/*.deb >/out/again
[[ ! -e $key ]]
grep -q 'its master key is not here' /out/again
mv /root/master.key $key
sed -i 's|^url:.*|url: https://tokens.example.com|' $config
systemctl start tokenwright
token >/dev/null
systemctl stop tokenwright
[[ $(shown Result) == success ]]

: == back to a backup, by the rights of the server
systemctl start tokenwright
as backup $data/backup.db
as key create --merchant 4259 --env demo --name Later --scope customers:read -o json >/out/later
as key delete "$(jq -r .clientId /out/later)" --yes
as event list -o json >/out/events.json
fails as restore $data/backup.db --replay - --replace </out/events.json # it is in use
systemctl stop tokenwright
as restore $data/backup.db --replay - --replace </out/events.json
systemctl start tokenwright
token >/dev/null
fails as key show "$(jq -r .clientId /out/later)"

: == moved to PostgreSQL while it serves, where every API key works
postgres=(/usr/lib/postgresql/*/bin)
install -d -o postgres /var/tmp/postgres
runuser -u postgres -- "${postgres[0]}/initdb" --no-sync --auth=trust --encoding=UTF8 --pgdata=/var/tmp/postgres/data >/out/postgres
runuser -u postgres -- "${postgres[0]}/pg_ctl" --wait --pgdata=/var/tmp/postgres/data --log=/var/tmp/postgres/log \
	--options='-p 5439 -k /var/tmp/postgres -c fsync=off' start >>/out/postgres
psql() { command psql --quiet --host=127.0.0.1 --port=5439 --username=postgres "$@"; }
psql --command='CREATE ROLE tokenwright LOGIN'
psql --command='CREATE DATABASE tokenwright OWNER tokenwright'
database=postgres://tokenwright@127.0.0.1:5439/tokenwright
as migrate --from sqlite:$data/tokenwright.db --to $database
stopped() { fails token 2>/dev/null; }
eventually stopped
curl -sS --noproxy '*' http://127.0.0.1:8080/readyz | grep -q moved
fails as merchant list
echo "database: $database" >>$config
systemctl restart tokenwright
token >/dev/null
as merchant list -o json | jq -e '.[0].id == 4259'
as event verify
systemctl stop tokenwright
echo done >/out/done
