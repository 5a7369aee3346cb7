#!/bin/sh
# Some tests need a program of the system: a browser, a broker, PostgreSQL. Install those that are
# missing where that is possible (Debian, root), else these tests skip.
missing=""
command -v chromium >/dev/null 2>&1 || missing="$missing chromium"
[ -x /usr/sbin/mosquitto ] || command -v mosquitto >/dev/null 2>&1 || missing="$missing mosquitto"
ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || missing="$missing postgresql"
[ -n "$missing" ] || exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq >/dev/null 2>&1
    for name in $missing; do
        apt-get install -y -qq --no-install-recommends "$name" >/dev/null 2>&1 ||
            echo "$name could not be installed; its tests will skip" >&2
    done
fi
exit 0
