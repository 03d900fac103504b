#!/bin/sh
# Groups as a tree, and the panes of hardware, host and log.
. "$(dirname "$0")/lib.sh"

# domain NAME GROUP TAG: defined, with a disk.
domain() {
	meta=
	[ -z "$2" ] || meta="<metadata><hvmux:domain xmlns:hvmux='urn:hvmux:domain:1'><hvmux:tag>$3</hvmux:tag><hvmux:group>$2</hvmux:group></hvmux:domain></metadata>"
	truncate -s 1M "$TEST_TMP/$1.img"
	cat >"$TEST_TMP/$1.xml" <<-END
		<domain type='qemu'><name>$1</name><memory unit='MiB'>64</memory>$meta
		<os><type arch='x86_64' machine='q35'>hvm</type></os><features><acpi/></features>
		<devices><disk type='file'><driver name='qemu' type='raw'/><source file='$TEST_TMP/$1.img'/><target dev='vda' bus='virtio'/></disk>
		<serial type='pty'/></devices></domain>
	END
	"$HVMUX" define "$TEST_TMP/$1.xml" >/dev/null
}
domain lonely "" ""
dash 100x30
check "a domain of no group" see "lonely"
keys o
check "without groups o says how to make one" see "no domain is in a group yet"
domain web1 prod/web blue
domain web2 prod/web green
domain db1 prod/db big
check "new ones come by themselves" see "web2"
keys o
check "o shows groups" see "▾ prod/"
check "groups in groups" see "  ▾ web/"
check "with how many run" line_shows "▾ prod/" "0/3 up"
keys g
check "the first row is the group" see "▸ ▾ prod/"
keys Space
check "Space marks all in it" see "3 marked"
keys g D
check "a command applies to all of them" see "Runs: hvmux destroy db1 web1 web2"
keys Escape
check "Esc does nothing" see "cancelled"
keys Escape
check "Esc clears the marks" see_not "marked"
keys Enter
check "Enter folds" see_not "web1"
check "and shows that" see "▸ ▸ prod/"
keys S
check "what is folded is acted upon all the same" see "Runs: hvmux shutdown db1 web1 web2"
keys Escape Enter
check "Enter unfolds" see "web1"
keys / ; text '#green' ; keys Enter
check "a filter finds tags" see_not "web1"
check "below their groups" see "▾ web/"
keys Escape G k
check "Esc shows all" see "web1"
keys G
check "those of no group come last" see "▸ lonely"
keys o 6
check "o again is a plain list" see_not "▾"
check "6 shows the hardware" see "virtio raw"
keys g
check "of the domain under the cursor" line_shows "disk " "db1.img"
check "with its group and tags" see "group prod/db  #big"
keys h
check "h shows it on a screen of its own" see "db1  shut off  hardware"
keys q 8
check "8 shows the host" see "processors"
check "what was promised" see "0 vCPUs of 0 running VMs"
keys v
check "v runs host-validate" see "Checking"
check "and says how to see what is to the right" see "Left Right scroll"
keys q 9
check "9 shows the log" see "what=define result=ok"
keys l
check "l shows it on a screen of its own" see "db1: log"
keys q
check "q closes it" see "9 Log"
resize 20x5
resize 80x24
check "80x24 again" see "9 Log"
keys o g
check "a tree at 80 columns" see "▾ prod/"
resize 100x30
keys q
check "q quits" see "ENDED 0"
tap_done
