#!/usr/bin/env bash
# fetch_sysroot.sh [-a ARCH] DEST [PACKAGE...]: unpack Debian packages into DEST, to be used as a sysroot (`dbt run -L DEST`). ARCH: armhf (as if left
# out), i386 or amd64.
#
# Nothing is installed. Naming the foreign architecture to dpkg needs root, once; the rest does not. Packages that DEST has already are not
# fetched again. Without names it takes what tests/programs/cases.py needs. Exit status 1 if a package cannot be had.
set -euo pipefail

arch=armhf
if [ "${1:-}" = -a ]; then
  arch=${2:?-a needs an architecture}
  shift 2
fi
dest=$(realpath -m "${1:?usage: fetch_sysroot.sh [-a ARCH] DEST [PACKAGE...]}")
shift
if [ $# -eq 0 ]; then
  set -- busybox-static bash-static dash coreutils lua5.4 sqlite3 gzip bzip2 xz-utils zstd gawk mawk bc sed grep perl-base python3.11-minimal hello \
    libpython3.11-minimal libpython3.11-stdlib libsqlite3-0 libbz2-1.0 liblzma5 libzstd1 zlib1g libexpat1 libffi8 libcrypt1 libuuid1 libc6 libgcc-s1 \
    libstdc++6 libselinux1 libacl1 libattr1 libcap2 libpcre2-8-0 libgmp10 libreadline8 libtinfo6 libmpfr6 libsigsegv2 libssl3 openssl liblz4-1 libxxhash0 pigz \
    p7zip sysbench stress-ng libaio1 libapparmor1 libbsd0 libcom-err2 libdb5.3 libdrm2 libegl-mesa0 libegl1 libgbm1 libglapi-mesa libgles2 libglvnd0 \
    libgnutls30 libgssapi-krb5-2 libhogweed6 libidn2-0 libjpeg62-turbo libjudydebian1 libk5crypto3 libkeyutils1 libkmod2 libkrb5-3 libkrb5support0 \
    libldap-2.5-0 libluajit-5.1-2 libluajit2-5.1-2 libmariadb3 libmd0 libnettle8 libp11-kit0 libpq5 libsasl2-2 libsasl2-modules-db libsctp1 libtasn1-6 \
    libunistring2 libwayland-client0 libwayland-server0 libx11-6 libx11-xcb1 libxau6 libxcb-dri2-0 libxcb-dri3-0 libxcb-present0 libxcb-randr0 \
    libxcb-sync1 libxcb-xfixes0 libxcb1 libxdmcp6 libxshmfence1
  [ "$arch" != amd64 ] || set -- "$@" libipsec-mb1  # of stress-ng, there alone
fi

unpacked="$dest/.unpacked"
mkdir -p "$unpacked"
missing=()
for package in "$@"; do
  [ -e "$unpacked/$package" ] || missing+=("$package")
done
[ ${#missing[@]} -gt 0 ] || exit 0

if ! { dpkg --print-architecture; dpkg --print-foreign-architectures; } | grep -qx "$arch"; then
  if [ "$(id -u)" -ne 0 ]; then
    echo "fetch_sysroot.sh: $arch packages: dpkg does not know the architecture: run 'dpkg --add-architecture $arch && apt-get update' as root once" >&2
    exit 1
  fi
  dpkg --add-architecture "$arch"
  apt-get -q update || true  # with some lists out of date the packages may be there all the same
fi

download=$(mktemp -d)
trap 'rm -rf "$download"' EXIT
if [ "$(id -u)" -eq 0 ] && id _apt >/dev/null 2>&1; then
  chown _apt "$download"  # apt downloads as this user if it can
fi
failed=0
echo "fetching ${#missing[@]} $arch packages"
cd "$download"
apt-get -q -q download "${missing[@]/%/:$arch}" || true  # one unknown name fails the call: what is missing is asked for again below
for package in "${missing[@]}"; do
  compgen -G "${package}_*.deb" >/dev/null || apt-get -q -q download "$package:$arch" || true
  if ! compgen -G "${package}_*.deb" >/dev/null; then
    echo "fetch_sysroot.sh: $package: not to be had for $arch" >&2
    failed=1
    continue
  fi
  dpkg -x "${package}"_*.deb "$dest"
  touch "$unpacked/$package"
done
exit $failed
