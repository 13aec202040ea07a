#!/bin/sh
# Avahi with a bus of its own, in a mount and a network namespace that the test has made: publishes one worker of
# the fleet $1, and prints what it browses. All of it ends with this script's process namespace.
set -e
mount -t tmpfs tmpfs /run
mkdir -p /run/dbus /run/avahi-daemon
cat > /run/bus.conf <<'X'
<busconfig>
  <type>system</type>
  <listen>unix:path=/run/dbus/system_bus_socket</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow user="*"/>
    <allow own="*"/>
    <allow send_type="method_call"/>
    <allow send_type="signal"/>
    <allow send_requested_reply="true" send_type="method_return"/>
    <allow send_requested_reply="true" send_type="error"/>
    <allow receive_type="method_call"/>
    <allow receive_type="method_return"/>
    <allow receive_type="error"/>
    <allow receive_type="signal"/>
  </policy>
</busconfig>
X
cat > /run/avahi.conf <<'X'
[server]
host-name=foreign
use-ipv6=no
enable-dbus=yes
X
# Each of the two returns once it serves.
dbus-daemon --config-file=/run/bus.conf --fork --nopidfile
avahi-daemon -f /run/avahi.conf --no-drop-root --no-chroot --no-rlimits -D
avahi-publish-service --subtype="_$1._sub._selvage._tcp" "a foreign worker" _selvage._tcp 1234 \
  id=foreign tag.0=foreign &
publisher=$!
# It goes on until its input ends; the publisher says goodbye through the daemon.
avahi-browse -rp _selvage._tcp &
read -r _ || true
kill "$publisher"
read -r _ || true
