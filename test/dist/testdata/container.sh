# The package where nothing runs systemd and not all of it is there, as in a container.
set -euxo pipefail
export LC_ALL=C.UTF-8
config=/etc/tokenwright/tokenwright.yaml key=/etc/tokenwright/master.key data=/var/lib/tokenwright
ip link set lo up
[[ ! -d /run/systemd/system ]]
rm -f /usr/bin/systemd-sysusers /var/lib/man-db/auto-update
userdel tokenwright 2>/dev/null || true
rm -rf /etc/tokenwright $data

dpkg --install /mnt/*.deb
[[ $(stat -c '%U:%G %a' $key) == 'root:tokenwright 640' ]]
[[ $(stat -c '%U:%G %a' $data) == 'tokenwright:tokenwright 700' ]]
sed -i 's|^url:.*|url: https://tokens.example.com|' $config
setpriv --reuid tokenwright --regid tokenwright --init-groups tokenwright serve --config $config &
curl -fsS --retry 60 --retry-connrefused --retry-delay 1 http://127.0.0.1:8080/readyz
runuser -u tokenwright -- tokenwright merchant create --config $config --id 4259 --name Acme
kill %1
wait %1
dpkg --install /mnt/*.deb
dpkg --remove tokenwright
dpkg --purge tokenwright
[[ -s $data/tokenwright.db && -s $key ]]
