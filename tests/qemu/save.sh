#!/bin/sh
# A Linux guest saved to a file and restored: it goes on where it stood, whoever is killed meanwhile.
. "$(dirname "$0")/lib.sh"
need_linux

saved=$TEST_TMP/web1.save
uptime_of() { guest_run "$1" 'cut -d. -f1 /proc/uptime'; }
word_is() { [ "$(guest_run "$1" 'echo $word')" = "$2" ]; }
reason_is() { hv domstate --reason "$1" | grep -qF "$2"; }

define_linux web1 >/dev/null
check "start" hv start web1
check "the guest is up" guest_login web1
guest_run web1 'word=before' >/dev/null
before=$(uptime_of web1)

# --- save, restore ---
check "a save ends the domain" hv save web1 "$saved"
check "… which is off at once" state_is web1 "shut off"
check "… because it was saved" reason_is web1 "shut off (saved)"
check "no half of a file is left" sh -c "! test -e '$saved.part'"
check "the file is libvirt's" sh -c "[ \"\$(head -c 16 '$saved')\" = LibvirtQemudSave ]"
check "its document" sh -c "'$HVMUX' save-image-dumpxml '$saved' --xpath //domain/name | grep -qx '<name>web1</name>'"
check "restore" hv restore "$saved"
check "it runs" state_is web1 running
check "… restored" reason_is web1 "running (restored)"
check "the guest's shell goes on" word_is web1 before
after=$(uptime_of web1)
check "its uptime went on, and did not begin anew" test "$after" -ge "$before"
check_fails "a domain that runs is not restored" 1 "is already active" hv restore "$saved"

# --- managed ---
check "a managed save" hv managedsave web1
check "… is a file of ours" test -f "$HVMUX_HOME/data/save/web1.save"
check "dominfo says so" sh -c "'$HVMUX' dominfo web1 | grep -q 'Managed save: *yes'"
check "list, too" sh -c "'$HVMUX' list --all --managed-save | grep -q 'web1 *saved'"
check_fails "undefine refuses" 1 "--managed-save removes it" hv undefine web1
check_fails "… and domrename" 1 "managedsave-remove web1" hv domrename web1 web2
check "start goes on there" hv start web1
check "the guest's shell goes on again" word_is web1 before
check "the managed save is used up" sh -c "! ls '$HVMUX_HOME/data/save/'* 2>/dev/null"

# --- paused ---
hv suspend web1 >/dev/null
check "a paused guest is saved" hv managedsave web1
check "… and started paused" hv start web1
check "it is" state_is web1 paused
hv resume web1 >/dev/null
check "resumed, it goes on" word_is web1 before

# --- a damaged file, a foreign one ---
check "one more" hv managedsave web1
cp "$HVMUX_HOME/data/save/web1.save" "$TEST_TMP/whole"
head -c 3000 "$TEST_TMP/whole" >"$HVMUX_HOME/data/save/web1.save"
check_fails "a cut-off save is refused, with the way out" 1 "start --force-boot web1" hv start web1
check "… and stays" test -f "$HVMUX_HOME/data/save/web1.save"
head -c 2000000 "$TEST_TMP/whole" >"$HVMUX_HOME/data/save/web1.save"
check_fails "a stream that ends early is told" 1 "saved state" hv start web1
check "… and stays, too" test -f "$HVMUX_HOME/data/save/web1.save"
check "… the domain is off" state_is web1 "shut off"
cp "$TEST_TMP/whole" "$HVMUX_HOME/data/save/web1.save"
check "the whole one does" hv start web1
check "the guest goes on" word_is web1 before
cp "$TEST_TMP/whole" "$TEST_TMP/edited"
hv save-image-dumpxml "$TEST_TMP/edited" | sed 's,<name>web1</name>,<name>web1</name><title>edited</title>,' >"$TEST_TMP/edited.xml"
check "another document in it" hv save-image-define "$TEST_TMP/edited" "$TEST_TMP/edited.xml" --paused
check "… is there" sh -c "'$HVMUX' save-image-dumpxml '$TEST_TMP/edited' --xpath //domain/title | grep -q edited"
sed 's,<vcpu>1<,<vcpu>2<,' "$TEST_TMP/edited.xml" >"$TEST_TMP/other.xml"
check_fails "… of other hardware is refused" 1 "other hardware" hv save-image-define "$TEST_TMP/edited" "$TEST_TMP/other.xml"
hv destroy web1 >/dev/null
check "it is restored, paused" hv restore "$TEST_TMP/edited"
check "… as it says" state_is web1 paused
check "resumed, it goes on" hv resume web1
check "the guest goes on" word_is web1 before
if command -v gzip >/dev/null; then
	# libvirt's compressed files: the header says how, the stream is what the program makes of it.
	data=$(od -An -tu4 -j20 -N4 "$TEST_TMP/whole" | tr -d ' ')
	{ head -c 28 "$TEST_TMP/whole" && printf '\001\000\000\000' && head -c $((data + 92)) "$TEST_TMP/whole" | tail -c +33 &&
		tail -c +$((data + 93)) "$TEST_TMP/whole" | gzip -1; } >"$TEST_TMP/packed"
	hv destroy web1 >/dev/null
	{ head -c $((data + 92)) "$TEST_TMP/packed" && echo nonsense; } >"$TEST_TMP/unpackable"
	check_fails "one that cannot be unpacked is told" 1 "'gzip' could unpack nothing" timeout 60 "$HVMUX" restore "$TEST_TMP/unpackable"
	check "… and the domain is off" state_is web1 "shut off"
	check "a compressed one is restored" hv restore "$TEST_TMP/packed"
	check "the guest goes on" word_is web1 before
fi
echo nonsense >"$TEST_TMP/nonsense"
check_fails "a file of something else" 1 "nonsense' is cut off" hv restore "$TEST_TMP/nonsense"

# --- supervisor killed in the middle ---
check "saved again" hv managedsave web1
hv start web1 >/dev/null &
starter=$!
wait_for 20 test -s "$HVMUX_HOME/run/web1/restore.json" >/dev/null
pid=$(json_number web1 supervisor_pid)
[ -z "$pid" ] || kill -KILL "$pid"
wait $starter
check "a killed supervisor's successor goes on" wait_state web1 running 30
check "the guest, too" word_is web1 before

# --- remove, force-boot ---
check "and once more" hv managedsave web1
check "managedsave-remove" hv managedsave-remove web1
check "start boots" hv start web1
check "a fresh guest" guest_login web1
check "its shell is new" word_is web1 ""
tap_done
