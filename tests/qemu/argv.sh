#!/bin/sh
# Every command line of tests/data/argv is one that the real QEMU starts, emulated, with files made for it.
. "$(dirname "$0")/lib.sh"
[ -n "$(command -v qemu-system-x86_64)" ] || tap_skip_all "no qemu-system-x86_64"

# adapt IN OUT: paths below the test's folder, no KVM, raw images where none of qcow2 can be made.
adapt() {
	sed -e "s|type=\(['\"]\)kvm|type=\1qemu|" -e "s|=\(['\"]\)/images/|=\1$TEST_TMP/|" \
		-e "s|/var/lib/libvirt/images/|$TEST_TMP/|" -e "s|/run/vnc|$TEST_TMP/vnc|" \
		-e "s|>/boot/|>$TEST_TMP/|" -e "s|>/images/|>$TEST_TMP/|" -e "s|/var/log/|$TEST_TMP/|" \
		-e "s|/usr/bin/qemu-system-x86_64|$(command -v qemu-system-x86_64)|" "$1" >"$2"
	[ -n "$(command -v qemu-img)" ] || sed -i -e "s|type=\(['\"]\)qcow2|type=\1raw|" "$2"
}
# The images that a document names.
make_files() {
	sed -n "s/.*<source file=['\"]\([^'\"]*\)['\"].*/\1/p" "$1" | while IFS= read -r file; do
		case $file in
		*.qcow2) [ -z "$(command -v qemu-img)" ] || qemu-img create -q -f qcow2 "$file" 1M ;;
		esac
		[ -e "$file" ] || truncate -s 1M "$file"
	done
}
# What else it names: files that are memory, flash chips; those of the firmware's descriptors.
make_memory() {
	sed -n "s/.*<path>\([^<]*\)<.*/\1/p" "$1" | while IFS= read -r file; do truncate -s 32M "$file"; done
	sed -n "s/.*<\(loader\|nvram\)[^>]*>\([^<]*\)<.*/\2/p" "$1" | while IFS= read -r file; do
		case $file in
		*.qcow2) qemu-img create -q -f qcow2 "$file" 512K ;;
		*) truncate -s 512K "$file" ;;
		esac
	done
}
make_firmware() {
	mkdir -p "$TEST_TMP/fw" "$TEST_TMP/descriptors" "$HVMUX_HOME/data/nvram"
	for file in "$HVMUX_SRC"/tests/data/firmware/vendor/*.json; do
		sed "s|/fw/|$TEST_TMP/fw/|" "$file" >"$TEST_TMP/descriptors/${file##*/}"
	done
	truncate -s 512K "$TEST_TMP/fw/CODE.secure.fd" "$HVMUX_HOME/data/nvram/efi, secure_VARS.fd"
	export HVMUX_FIRMWARE="$TEST_TMP/descriptors"
}
# Why this host cannot start a document; empty: it can.
lacks() {
	case $1 in
	hugepages) [ "$(cat /sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages 2>/dev/null || echo 0)" -ge 16 ] ||
		echo "no free huge pages" ;;
	disk-outside) echo "servers, devices and secrets that are not here" ;;
	sev) [ -w /dev/sev ] || echo "no SEV" ;;
	efi-loader) command -v qemu-img >/dev/null || echo "no qemu-img" ;;
	esac
}
# start_paused XML NAME: QEMU takes the command line, stands before its first instruction, and quits.
start_paused() {
	"$HVMUX" domxml-to-native qemu-argv --xml "$1" >"$TEST_TMP/cmd" || return 1
	mkdir -p "$HVMUX_HOME/run/$2" "$HVMUX_HOME/data/ram/$2"
	printf '%s -qmp stdio\n' "$(cat "$TEST_TMP/cmd")" >"$TEST_TMP/cmd.sh"
	printf '%s\n' '{"execute":"qmp_capabilities"}' '{"execute":"query-status"}' '{"execute":"quit"}' |
		timeout 60 sh "$TEST_TMP/cmd.sh" >"$TEST_TMP/qmp" 2>"$TEST_TMP/words"
	rc=$?
	cat "$TEST_TMP/words"
	[ $rc -eq 0 ] && grep -q '"status": "prelaunch"' "$TEST_TMP/qmp"
}

if [ -r "$guest/initramfs" ]; then
	cp "$guest/vmlinuz" "$TEST_TMP/vmlinuz a"
	cp "$guest/initramfs" "$TEST_TMP/initrd,1"
fi
make_firmware
for xml in "$HVMUX_SRC"/tests/data/argv/*.xml; do
	stem=$(basename "$xml" .xml)
	adapt "$xml" "$TEST_TMP/$stem.xml"
	make_files "$TEST_TMP/$stem.xml"
	why=$(lacks "$stem")
	if [ -n "$why" ]; then
		tap_skip "QEMU starts $stem" "$why"
		continue
	fi
	make_memory "$TEST_TMP/$stem.xml"
	name=$(sed -n 's|.*<name>\(.*\)</name>.*|\1|p' "$xml")
	if grep -q '<kernel>' "$xml" && [ ! -r "$TEST_TMP/vmlinuz a" ]; then
		tap_skip "QEMU starts $stem" "no kernel was made for the test guests"
		continue
	fi
	check "QEMU starts $stem" start_paused "$TEST_TMP/$stem.xml" "$name"
done
tap_done
