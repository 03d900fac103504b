#!/bin/sh
# What is kept of crashes: after each kind of end that nobody asked for, one whole folder; after others, none.
. "$(dirname "$0")/../qemu/lib.sh"

crash_dir() { ls -d "$HVMUX_HOME/log/$1/crashes"/*-"$2" 2>/dev/null | tail -n 1; }
# Not "is there a folder": whether the command tells of it.
kept() { hv crashes "$1" | grep -F -- "$2"; }
number_kept() { [ "$(hv crashes --json "$1" | grep -c '"id"')" = "$2" ] || { hv crashes "$1"; return 1; }; }
whole() { # NAME REASON
	dir=$(crash_dir "$1" "$2")
	for file in summary.json summary.txt domain.xml command-line.txt qmp-events.jsonl serial0.raw serial0.txt stats-seconds.csv; do
		[ -s "$dir/$file" ] || { echo "no $file in '$dir'"; return 1; }
	done
	grep -q "<name>$1</name>" "$dir/domain.xml" && grep -q -- "-name guest=$1" "$dir/command-line.txt"
}
nothing_left() { [ -d "$HVMUX_HOME/log/$1/crashes" ] && [ -z "$(find "$HVMUX_HOME/log/$1/crashes" -mindepth 1 -maxdepth 1 -name '.*')" ]; }
ends() { wait_state "$1" crashed 30; }

check "define" define_bootsect c1 "<panic model='isa'/><watchdog model='ib700' action='reset'/>"
check_fails "of one that never ran: none" 0 "Reason" hv crashes c1
check_fails "nobody" 1 "failed to get domain 'nosuch'" hv crashes nosuch

# --- QEMU is killed ---
check "start" hv start c1
check "it runs" wait_screen c1 COM1 90
kill -KILL "$(json_number c1 qemu_pid)"
check "killed -9" ends c1
check "it is kept" wait_for 20 kept c1 "QEMU was killed by signal 9"
check "... whole" whole c1 crash
check "... with what the console said" grep -q "boot sector, COM1" "$dir/serial0.txt"
check "... QEMU's signal" grep -q '"signal":9' "$dir/summary.json"
check "... its events" grep -q '"event":"RESUME"' "$dir/qmp-events.jsonl"
check "... the figures" grep -q '^time,cpu_permille' "$dir/stats-seconds.csv"
closed() { [ "$(stat -c %a "$dir/domain.xml")" = 600 ] && [ "$(stat -c %a "$dir")" = 700 ]; }
check "... for nobody else to read" closed
check "shown" sh -c "'$HVMUX' crashes c1 1 | grep -qF 'File:        $dir/serial0.raw'"

# --- ends that were asked for ---
check "start again" hv start c1
check "and destroy" hv destroy c1
check "start, off by the guest" hv start c1
check "up" wait_screen c1 COM1 90
type_line c1 off >/dev/null
check "off" wait_state c1 "shut off" 60
check "none of them is a crash" number_kept c1 1

# --- panics, watchdog ---
check "start, panic" hv start c1
check "up for the panic" wait_screen c1 COM1 90
type_line c1 panic >/dev/null
check "it ends" ends c1
check "kept as a panic" wait_for 20 kept c1 panic
check "... whole, too" whole c1 panic
check "... once" number_kept c1 2
check "... and QEMU's own event" grep -q GUEST_PANICKED "$dir/qmp-events.jsonl"
check "start, bite" hv start c1
check "up for the watchdog" wait_screen c1 COM1 90
type_line c1 bite >/dev/null
check "the watchdog's bark is kept, and the guest goes on" wait_for 90 kept c1 "action: reset"
check "... it runs" state_is c1 running

# --- nobody is there to see it ---
kill -KILL "$(json_number c1 supervisor_pid)" "$(json_number c1 qemu_pid)"
# Whoever looks settles it.
unseen() { [ "$(hv crashes c1 | grep -c ' crash ')" = 2 ] || { hv domstate c1; return 1; }; }
check "supervisor and QEMU are killed: the next one keeps what there is" wait_for 30 unseen
dir=$(crash_dir c1 crash)
check "... the console's words" grep -q "bite" "$dir/serial0.txt"
check "... its document" grep -q "<name>c1</name>" "$dir/domain.xml"
check "... nothing half done" nothing_left c1

# --- limits, deleting ---
printf 'crash_records = 2\n' >"$HVMUX_HOME/etc/hvmux.conf"
check "with a limit of two" hv start c1
check "up once more" wait_screen c1 COM1 90
kill -KILL "$(json_number c1 qemu_pid)"
check "... the oldest ones go" wait_for 30 number_kept c1 2
check "... and this one is the first" sh -c "'$HVMUX' crashes c1 1 | grep -q 'killed by signal 9'"
check "delete one" hv crashes c1 2 --delete
check "... gone" number_kept c1 1
check_fails "delete what is not there" 1 "there is no crash '7'" hv crashes c1 7 --delete
check_fails "which one?" 2 "needs the number" hv crashes c1 --delete
check_fails "not with --readonly" 1 "forbidden for read only access" hv --readonly crashes c1 1 --delete
check "the definition goes" hv undefine c1
check "... its crash is still there" kept c1 crash
check "delete all" hv crashes c1 --delete --all
check_fails "then it is forgotten" 1 "failed to get domain 'c1'" hv crashes c1

# --- Linux panics, and QEMU hears nothing of it: the console tells ---
[ -r "$guest/initramfs" ] || { tap_skip "a Linux guest" "no kernel or no busybox here"; tap_done; }
define_linux lin "" "panic=0" >/dev/null
sed -i '/pvpanic/d' "$TEST_TMP/lin.xml"
check "a Linux guest without a panic device" hv define "$TEST_TMP/lin.xml"
check "start it" hv start lin
check "it boots" wait_screen lin 'lin login:' 120
type_line lin root >/dev/null
check "log in" wait_screen lin root@lin 30
type_line lin 'echo c >/proc/sysrq-trigger' >/dev/null
check "its kernel panics: kept" wait_for 60 kept lin "Kernel panic - not syncing"
dir=$(crash_dir lin panic)
check "... with what it said behind that line" grep -q "end Kernel panic" "$dir/serial0.txt"
check "... while QEMU runs" grep -q '"running":true' "$dir/summary.json"
check "... the badge says so" sh -c "'$HVMUX' list --json | grep -q '\"trigger\": \"kernel panic\"'"
check "... an event, too" grep -q "event=crash-record" "$HVMUX_HOME/log/lin/audit.log"
check "... once" number_kept lin 1
check "the list over all domains" sh -c "'$HVMUX' crashes | grep -q 'lin.*panic'"
check "end it" hv destroy lin
check "... which is no other crash" number_kept lin 1
tap_done
