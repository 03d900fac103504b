#!/bin/sh
# Pools of folders and their volumes: virsh's words, chains that do not lose their base, the trash.
. "$(dirname "$0")/lib.sh"

pool=$TEST_TMP/p1
# says WANT ARGS...: what hvmux prints is this, to the byte.
says() {
	says_want=$1
	shift
	hv "$@" >"$TEST_TMP/said" 2>&1
	printf '%s\n' "$says_want" | diff -u - "$TEST_TMP/said"
}
quiet() { hv "$@" >/dev/null; }
vol() { [ -e "$pool/$1" ]; }
no_vol() { [ ! -e "$pool/$1" ]; }
# Drafts are kept in the trash until they have their name.
no_drafts() { [ -z "$(find "$pool/.hvmux-trash" -name 'new-*')" ]; }

# --- definitions: what the real virsh 9.0 prints ---------------------------------------------------------
check "the default pool is there" says " Name      State    Autostart
-------------------------------
 default   active   yes
" pool-list --all
check "print-xml" says "<pool type='dir'>
  <name>p1</name>
  <target>
    <path>$pool</path>
  </target>
</pool>
" pool-define-as p1 dir --target "$pool" --print-xml
check "pool-define-as" says "Pool p1 defined
" pool-define-as p1 dir --target "$pool"
uuid=$(hv -q pool-uuid p1)
check "pool-info, inactive" says "Name:           p1
UUID:           $uuid
State:          inactive
Persistent:     yes
Autostart:      no
" pool-info p1
check_fails "its folder is missing" 1 "pool-build" hv pool-start p1
check "pool-build" says "Pool p1 built
" pool-build p1
check "pool-start" says "Pool p1 started
" pool-start p1
check_fails "it is started already" 1 "storage pool 'p1' is already active" hv pool-start p1
check "pool-autostart" says "Pool p1 marked as autostarted
" pool-autostart p1
check "pool-name" says "p1
" pool-name "$uuid"
check "pool-dumpxml, inactive" says "<pool type='dir'>
  <name>p1</name>
  <uuid>$uuid</uuid>
  <capacity unit='bytes'>0</capacity>
  <allocation unit='bytes'>0</allocation>
  <available unit='bytes'>0</available>
  <source>
  </source>
  <target>
    <path>$pool</path>
  </target>
</pool>
" pool-dumpxml p1 --inactive
check_fails "an active pool is not undefined" 1 "storage pool 'p1' is still active" hv pool-undefine p1
check_fails "the same folder twice" 1 "Storage source conflict with pool: 'p1'" hv pool-define-as p2 dir --target "$pool/"
check "dashes for what a pool has not" says "<pool type='dir'>
  <name>p3</name>
  <target>
    <path>/srv/p3</path>
  </target>
</pool>
" pool-define-as p3 dir - - - - /srv/p3 --print-xml
check_fails "no target" 1 "missing storage pool target path" hv pool-define-as p2 dir
check_fails "an unknown type" 1 "'zzz'" hv pool-define-as p2 zzz
no_room() {
	! hv vol-create-as default huge.img 4000T 2>words && grep -F "'$HVMUX_HOME/data/images/huge.img'" words && ! grep -F .hvmux-trash words
}
check "without room the message names the volume" no_room
check_fails "a name with a slash" 1 "'/'" hv pool-define-as a/b dir --target /x
check_fails "no such pool" 1 "no storage pool with matching name 'nope'" hv pool-info nope
kept_only() {
	quiet pool-define-as r1 rbd --source-host mon --source-name images && hv pool-list --all --type rbd | grep "r1 *inactive" &&
		hv pool-start r1 2>&1 | grep "pools of type 'rbd' are kept"
}
check "what is not used here is kept" kept_only
boot() { rm -rf "$HVMUX_HOME/run" && hv pool-list | grep "p1 *active" && hv pool-list | grep default && ! hv pool-list | grep r1; }
check "after a boot autostarted folders are active" boot

# --- volumes ---------------------------------------------------------------------------------------------
check "vol-create-as" says "Vol base.qcow2 created
" vol-create-as p1 base.qcow2 64M --format qcow2
check "a linked clone" quiet vol-create-as p1 clone.qcow2 80M --format qcow2 --backing-vol base.qcow2
check "… in a chain" quiet vol-create-as p1 top.qcow2 80M --format qcow2 --backing-vol "$pool/clone.qcow2" --backing-vol-format qcow2
sound() { qemu-img check -q "$pool/$1" && qemu-img info --output=json "$pool/$1"; }
says_clone() {
	sound clone.qcow2 | tr -d ' \n' | grep -F "\"backing-filename\":\"$pool/base.qcow2\"" | grep -F '"backing-filename-format":"qcow2"' |
		grep -F '"virtual-size":83886080'
}
check "… as QEMU reads it, with its base's format" says_clone
thick() { quiet vol-create-as p1 thick.raw 8M && [ "$(stat -c '%s %a' "$pool/thick.raw")" = "8388608 600" ] && [ "$(stat -c %b "$pool/thick.raw")" -ge 16384 ]; }
thin() { quiet vol-create-as p1 thin.raw 8M --allocation 0 && [ "$(stat -c '%s %b' "$pool/thin.raw")" = "8388608 0" ]; }
check "raw takes its space" thick
check "… unless told not to" thin
check_fails "a volume is never replaced" 1 "storage volume 'thin.raw' exists already" hv vol-create-as p1 thin.raw 1M
for name in ../x a/b .x .. -- ''; do
	check_fails "no volume '$name'" 1 "" hv vol-create-as --pool p1 --capacity 1M --name "$name"
done
check_fails "no such format" 1 "unknown volume format type zzz" hv vol-create-as p1 x 1M --format zzz
check_fails "no size" 2 "Malformed size 1Q" hv vol-create-as p1 x 1Q
check "vol-list" says " Name          Path
-----------------------------$(printf '%s' "$pool" | sed 's/./-/g')
 base.qcow2    $pool/base.qcow2
 clone.qcow2   $pool/clone.qcow2
 thick.raw     $pool/thick.raw
 thin.raw      $pool/thin.raw
 top.qcow2     $pool/top.qcow2
" vol-list p1
check "vol-info --bytes" says "Name:           thick.raw
Type:           file
Capacity:       8388608 bytes
Allocation:     $(($(stat -c %b "$pool/thick.raw") * 512)) bytes
" vol-info thick.raw p1 --bytes
check "vol-path" says "$pool/thin.raw
" vol-path thin.raw --pool p1
check "vol-pool" says "p1
" vol-pool "$pool/thin.raw"
check_fails "no name without a pool" 1 "specifying --pool might help" hv vol-info thin.raw
check "vol-dumpxml --xpath" says '<format type="qcow2"/>
' vol-dumpxml top.qcow2 p1 --xpath //target/format
document() {
	cat >v.xml <<-END
	<volume><name>doc.qcow2</name><capacity unit='MiB'>5</capacity><target><format type='qcow2'/>
	<permissions><mode>0640</mode></permissions><compat>1.1</compat><clusterSize unit='KiB'>128</clusterSize>
	<features><lazy_refcounts/></features></target></volume>
	END
	quiet vol-create p1 v.xml && hv vol-dumpxml doc.qcow2 p1 >dumped && grep -F "<clusterSize unit='B'>131072</clusterSize>" dumped &&
		grep -F '<lazy_refcounts/>' dumped && [ "$(stat -c %a "$pool/doc.qcow2")" = 640 ] && qemu-img check -q "$pool/doc.qcow2"
}
check "vol-create from a document" document
# --- resizing --------------------------------------------------------------------------------------------
check "vol-resize" says "Size of volume 'thin.raw' successfully changed to 16M
" vol-resize thin.raw 16M p1
check "… by" says "Size of volume 'thin.raw' successfully changed by 1M
" vol-resize thin.raw 1M p1 --delta
check_fails "not smaller by mistake" 1 "Can't shrink capacity" hv vol-resize thin.raw 1M p1
check "… but when told" quiet vol-resize thin.raw 1M p1 --shrink
shrunk() { [ "$(stat -c %s "$pool/thin.raw")" = 1048576 ]; }
check "… it is" shrunk
grown() { quiet vol-resize top.qcow2 1G p1 && qemu-img check -q "$pool/top.qcow2" && hv vol-info top.qcow2 p1 | grep "1.00 GiB"; }
check "a clone grows" grown
check_fails "a base does not shrink" 1 "needed by what is based on it" hv vol-resize base.qcow2 1M p1 --shrink

# --- bytes -----------------------------------------------------------------------------------------------
head -c 3000000 /dev/urandom >random
carried() { quiet vol-upload thin.raw random p1 && quiet vol-download thin.raw back p1 && cmp random back; }
check "up and down" carried
part() {
	printf HELLO >hello && quiet vol-upload thin.raw hello p1 --offset 1000 && quiet vol-download thin.raw back p1 --offset 998 --length 9 &&
		{ head -c 1000 random | tail -c 2 && printf HELLO && tail -c +1006 random | head -c 2; } | cmp - back
}
check "a part of it" part
check_fails "more than is said" 1 "--length" hv vol-upload thin.raw random p1 --length 100
holes() {
	truncate -s 50M hole && quiet vol-create-as p1 hole.raw 1M --allocation 0 && quiet vol-upload hole.raw hole p1 --sparse &&
		[ "$(stat -c '%s %b' "$pool/hole.raw")" = "52428800 0" ] && quiet vol-download hole.raw back p1 --sparse && [ "$(stat -c '%s %b' back)" = "52428800 0" ]
}
check "holes stay holes" holes
through() { printf x | hv -q vol-upload thick.raw - p1 && [ "$(hv -q vol-download thick.raw - p1 --length 1)" = x ]; }
check "standard input and output" through
wiped() { quiet vol-wipe thin.raw p1 && cmp -n 3000000 "$pool/thin.raw" /dev/zero; }
check "vol-wipe" wiped
scrambled() { quiet vol-wipe thin.raw p1 --algorithm random && ! cmp -s -n 3000000 "$pool/thin.raw" /dev/zero; }
check "… with random bytes" scrambled
check_fails "no such algorithm" 2 "Unsupported algorithm 'zzz'" hv vol-wipe thin.raw p1 --algorithm zzz
check_fails "a base is not written over" 1 "is needed as it is by what is based on it" hv vol-upload base.qcow2 random p1

# --- copies ----------------------------------------------------------------------------------------------
qemu-io -c "write -P 7 1M 2M" "$pool/base.qcow2" >/dev/null
qemu-io -c "write -P 9 2M 2M" "$pool/top.qcow2" >/dev/null
copied() {
	quiet vol-clone top.qcow2 copy.qcow2 --pool p1 && qemu-img compare -q "$pool/top.qcow2" "$pool/copy.qcow2" && qemu-img check -q "$pool/copy.qcow2" &&
		! qemu-img info "$pool/copy.qcow2" | grep backing
}
check "vol-clone: a chain into one" copied
converted() {
	echo "<volume><name>flat.raw</name><capacity>0</capacity><target><format type='raw'/></target></volume>" >v.xml &&
		quiet vol-create-from p1 v.xml top.qcow2 --inputpool p1 && qemu-img compare -q -F raw "$pool/top.qcow2" "$pool/flat.raw"
}
check "vol-create-from: another format" converted
check_fails "a copy replaces nothing" 1 "exists already" hv vol-clone top.qcow2 copy.qcow2 --pool p1
killed() {
	for t in 0.005 0.01 0.02 0.04 0.08; do
		timeout -s KILL $t "$HVMUX" vol-clone flat.raw killed.raw --pool p1
		if vol killed.raw; then cmp "$pool/flat.raw" "$pool/killed.raw" || return 1; fi
		rm -f "$pool/killed.raw"
	done >/dev/null 2>&1
}
check "killed, a copy is there whole or not at all" killed
rm -f "$pool"/.hvmux-trash/new-*

# --- chains, trash ---------------------------------------------------------------------------------------
check_fails "a base is not deleted" 1 "base of '$pool/clone.qcow2'" hv vol-delete base.qcow2 p1
tree() {
	hv vol-tree p1 >tree && grep "^ base.qcow2 " tree && grep "^ .\?.- clone.qcow2\|^ └─ clone.qcow2" tree && grep "└─ top.qcow2\|- top.qcow2" tree
}
check "vol-tree" tree
owned() {
	cat >d.xml <<-END
	<domain type='qemu'><name>web1</name><memory unit='MiB'>8</memory><vcpu>1</vcpu><os><type arch='x86_64' machine='pc'>hvm</type></os>
	<devices><disk type='file' device='disk'><driver name='qemu' type='qcow2'/><source file='$pool/top.qcow2'/><target dev='vda' bus='virtio'/></disk></devices></domain>
	END
	quiet define d.xml && hv vol-tree p1 | grep "top.qcow2.*web1 (vda" && hv vol-tree p1 | grep "base.qcow2.*web1"
}
check "… and who uses what" owned
orphans() { hv vol-orphans p1 >orphans && ! grep -E " (base|clone|top).qcow2" orphans && grep copy.qcow2 orphans; }
check "vol-orphans" orphans
running() { quiet start --paused web1 && ! hv vol-delete top.qcow2 p1 2>words && cat words && grep "is in use: web1 (vda, running" words && vol top.qcow2; }
check "a disk of a running VM is not deleted" running
check_fails "… nor written over" 1 "web1" hv vol-upload top.qcow2 random p1
check_fails "… nor resized" 1 "web1" hv vol-resize top.qcow2 2G p1
quiet destroy web1
deleted() { hv vol-delete top.qcow2 p1 >words 2>&1 && cat words && grep "Vol top.qcow2 deleted" words && grep "disk still of web1" words && no_vol top.qcow2; }
check "vol-delete says whose disk it is" deleted
check "vol-trash" eval 'hv vol-trash p1 | grep "top.qcow2.*T.*Z-top.qcow2"'
check "… of all pools" eval 'hv vol-trash | grep "top.qcow2.*T.*Z-top.qcow2 *p1$" && hv vol-trash --json | grep -q "\"pool\": *\"p1\""'
check "vol-undelete" says "Vol top.qcow2 undeleted" vol-undelete p1 top.qcow2
check "… sound" sound top.qcow2
check_fails "no trash is emptied without its pool's name" 2 "needs the pool" hv vol-trash --empty
gone() { quiet vol-delete copy.qcow2 p1 --now && no_vol copy.qcow2 && ! hv vol-trash p1 | grep copy.qcow2; }
check "--now" gone
as_virsh() { ln -s "$HVMUX" virsh && [ "$(./virsh vol-delete flat.raw p1)" = "Vol flat.raw deleted" ]; }
check "as virsh it says what virsh says" as_virsh
emptied() { hv vol-trash p1 --empty | grep "1 deleted volume of pool p1 is gone" && [ "$(hv vol-trash p1 --json | tr -d ' \n')" = "[]" ]; }
check "the trash is emptied" emptied
at_once() { mkdir -p "$HVMUX_HOME/etc" && echo "trash_days = 0" >"$HVMUX_HOME/etc/hvmux.conf" && quiet vol-delete hole.raw p1 && no_vol hole.raw && [ -z "$(ls "$pool/.hvmux-trash")" ]; }
check "trash_days = 0" at_once
check_fails "reading only" 1 "read only" hv --readonly vol-delete thin.raw p1
check "no drafts are left" no_drafts

stopped() { quiet pool-destroy p1 && hv vol-list p1 2>&1 | grep "storage pool 'p1' is not active" && vol base.qcow2 && quiet pool-undefine p1; }
check "pool-destroy and pool-undefine leave the volumes" stopped
tap_done
