#!/bin/sh
# The browser test needs Chromium: install it where that is possible (Debian, root), else it skips.
if command -v chromium >/dev/null 2>&1; then exit 0; fi
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    (apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium) >/dev/null 2>&1 ||
        echo "chromium could not be installed; the browser test will skip" >&2
fi
exit 0
