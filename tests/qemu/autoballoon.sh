#!/bin/sh
# Balloons by themselves: off unless the host reserves memory and the domain takes part; then the guest gives memory up, step by step, and
# never goes below its floor.
. "$(dirname "$0")/../qemu/lib.sh"
need_linux

says() { # WORDS COMMAND...: its output holds the words
	words=$1
	shift
	"$@" >"$TEST_TMP/says" 2>&1 && grep -qF -- "$words" "$TEST_TMP/says" || { cat "$TEST_TMP/says"; return 1; }
}
used() { hv dominfo "$1" | sed -n 's/^Used memory: *\([0-9]*\) KiB/\1/p'; }
below() { [ "$(used "$1")" -lt "$2" ] || { used "$1"; return 1; }; }
meta() { sed -i "s|<os>|<metadata><hvmux:domain xmlns:hvmux='urn:hvmux:domain:1'>$2</hvmux:domain></metadata><os>|" "$TEST_TMP/$1.xml" && hv define "$TEST_TMP/$1.xml"; }

live() { hv dumpxml "$1" | tr '"' "'"; }

mkdir -p "$HVMUX_HOME/etc"
# More than any host has: it always lacks memory.
echo 'balloon_reserve = 1000000G' >"$HVMUX_HOME/etc/hvmux.conf"
guest_memory="<memory unit='MiB'>512</memory>"
check "define one that takes part" define_linux part
check "with a floor" meta part "<hvmux:balloon floor='448'/>"
check "define one that does not" define_linux apart
check "start" hv start part
check "start the other" hv start apart
check "dominfo says which" wait_for 60 says "Balloon:        follows the host's need" hv dominfo part
check "the guest gives memory up" wait_for 60 below part 524288
check "down to its floor" wait_for 60 says "Used memory:    458752 KiB" hv dominfo part
sizes=$(used part)
check "the other has all of its memory" says "Used memory:    524288 KiB" hv dominfo apart
check "the definition is as it was" sh -c "! '$HVMUX' dumpxml part --inactive | grep -q currentMemory"
check "dominfo --json" says '"balloon_auto": true' hv dominfo part --json
check "at the floor it stays" test "$sizes" = 458752
check "the live document says so, too" wait_for 60 says "<currentMemory unit='KiB'>458752<" live part
check "the audit log tells of it" grep -q "who=supervisor .*what=auto-balloon detail=from 512 to " "$HVMUX_HOME/log/part/audit.log"
check "QEMU has what is written" hv check-live part
check "destroy" hv destroy part
check "destroy the other" hv destroy apart
tap_done
