#!/bin/sh
# Installs the Debian packages named as arguments, as root, asking nothing and starting no daemon.
#
# invoke-rc.d asks /usr/sbin/policy-rc.d whether it may start a service; 101 means no. Where the
# system has a policy of its own it is left alone. Ours is taken away again, also on failure.
set -eu

policy=/usr/sbin/policy-rc.d
mark='# Posthouse: no daemon starts while test packages are installed'

# What an earlier run left when it was killed is ours to take away.
if [ -e "$policy" ] && grep -qxF "$mark" "$policy"; then
    rm -f "$policy"
fi

if [ ! -e "$policy" ]; then
    trap 'rm -f "$policy"' EXIT
    trap 'exit 129' HUP
    trap 'exit 130' INT
    trap 'exit 143' TERM
    printf '#!/bin/sh\n%s\nexit 101\n' "$mark" >"$policy"
    chmod 755 "$policy"
fi

export DEBIAN_FRONTEND=noninteractive
# Without this Postfix would write a configuration and ask for a mail name.
echo 'postfix postfix/main_mailer_type select No configuration' | debconf-set-selections

apt_get() {
    apt-get -q -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3 "$@"
}
apt_get update
apt_get install -y --no-install-recommends "$@"
