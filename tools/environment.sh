# Sourced by ./mainmode and ./test with $checkout set: makes and mends the virtual environment.
# shellcheck shell=sh
#
# $checkout/.venv holds the locked packages, and a .pth file that adds src/ to Python's path. That
# path is relative and programs are started with `python -m`, so a checkout can be moved or copied.

venv=$checkout/.venv
python=$venv/bin/python

say() { echo "mainmode: $*" >&2; }

# prepare LOCK: afterwards $python has what the lock file names. Quick when that is so already.
prepare() {
    is_ready "$1" && return
    if ! [ -w "$checkout" ]; then
        say "$checkout is not writable, so .venv cannot be set up there"
        exit 2
    fi
    exec 9<"$checkout/$1" && flock 9 # one set-up at a time: others wait here, then find it done
    is_ready "$1" || install_locked "$1"
    exec 9<&-
}

is_ready() { # is_ready LOCK
    [ -x "$python" ] && [ -r "$venv/$1.stamp" ] &&
        [ "$(fingerprint "$1")" = "$(cat "$venv/$1.stamp")" ]
}

# What the environment is made from: the lock file and Python's version.
fingerprint() { # fingerprint LOCK
    sha256sum <"$checkout/$1" && "$python" --version
}

install_locked() { # install_locked LOCK
    say "setting up $venv from $1 (once, some seconds)"
    if ! "$python" -c 'import pip' 2>/dev/null; then
        base=$(require_python) || exit 2
        "$base" -m venv --clear "$venv" >&2 || exit 2
    fi
    rm -f "$venv/$1.stamp"
    log=$(mktemp)
    if ! "$python" -m pip install --quiet --disable-pip-version-check --no-input \
        --require-hashes --requirement "$checkout/$1" >"$log" 2>&1; then
        cat "$log" >&2
        rm -f "$log"
        say "set-up failed: could not install what $1 names"
        exit 2
    fi
    rm -f "$log"
    for packages in "$venv"/lib/python3.*/site-packages; do
        echo '../../../../src' >"$packages/mainmode.pth"
    done
    fingerprint "$1" >"$venv/$1.stamp"
}

# Prints a Python that can make virtual environments, installed if need be and possible.
require_python() {
    find_python ensurepip venv && return
    install_debian python3-venv && find_python ensurepip venv && return
    if found=$(find_python); then
        say "$found cannot make virtual environments:" \
            "install its venv module (Debian 12: apt-get install python3-venv)"
    else
        say "needs Python 3.11 or newer with venv (Debian 12: apt-get install python3-venv)"
    fi
    return 2
}

# find_python [MODULE...]: prints the first Python >= 3.11 that has these modules.
find_python() {
    for candidate in python3.13 python3.12 python3.11 python3; do
        "$candidate" -c "
import sys
from importlib.util import find_spec
sys.exit(sys.version_info < (3, 11) or None in map(find_spec, sys.argv[1:]))
" "$@" >/dev/null 2>&1 || continue
        command -v "$candidate"
        return
    done
    return 1
}

# install_debian PACKAGE...: as root, starting no daemon that a package brings. False if impossible.
install_debian() (
    [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null || exit 1
    say "installing Debian packages: $*"
    log=$(mktemp)
    trap 'exit 1' HUP INT TERM
    forbid_starts=/usr/sbin/policy-rc.d
    if [ -e $forbid_starts ]; then
        trap 'rm -f "$log"' EXIT
    else
        trap 'rm -f "$log" $forbid_starts' EXIT
        printf '#!/bin/sh\nexit 101\n' >$forbid_starts
        chmod 755 $forbid_starts
    fi
    apt_get install "$@" >"$log" 2>&1 && exit 0
    { apt_get update && apt_get install "$@"; } >"$log" 2>&1 && exit 0
    cat "$log" >&2
    exit 1
)

# unpack_debian PACKAGE FOLDER: as root, without installing it, and with what it needs and is not
# installed. False if impossible.
unpack_debian() (
    [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null || exit 1
    say "unpacking the Debian package $1"
    mkdir -p "$(dirname "$2")" && work=$(mktemp -d "$2.XXXXXX") || exit 1
    trap 'rm -rf "$work"' EXIT
    trap 'exit 1' HUP INT TERM
    mkdir -p "$work/debs/partial"
    fetch() { apt_get install --download-only -o Dir::Cache::Archives="$work/debs" "$1"; }
    fetch "$1" >"$work/log" 2>&1 || { apt_get update && fetch "$1"; } >"$work/log" 2>&1 || {
        cat "$work/log" >&2
        exit 1
    }
    for each in "$work"/debs/*.deb; do
        dpkg-deb --extract "$each" "$work/tree" || exit 1
    done
    mv "$work/tree" "$2"
)

apt_get() {
    DEBIAN_FRONTEND=noninteractive apt-get --yes --no-install-recommends \
        -o DPkg::Lock::Timeout=120 "$@" </dev/null
}
