#!/bin/sh
# A Linux guest sees what its definition says beyond devices: processors, NUMA nodes, memory that is plugged, the strings
# of its firmware, its clock; and boots by UEFI, whose variables are kept.
. "$(dirname "$0")/../qemu/lib.sh"
need_linux

say_line() { type_line "$@" >/dev/null; }
# ask NAME MARK COMMAND: the guest's shell prints MARK and what the command says, on a cleared screen.
ask() { say_line "$1" "clear; echo $2 \$($3)"; }
login() {
	say_line "$1" root
	wait_screen "$1" "root@$1" 60
}

cat >"$TEST_TMP/big.xml" <<END
<domain type='qemu'>
  <name>big</name>
  <maxMemory slots='4' unit='GiB'>1</maxMemory>
  <memory unit='MiB'>256</memory>
  <vcpu current='3'>4</vcpu>
  <vcpus>
    <vcpu id='0' enabled='yes' hotpluggable='no'/>
    <vcpu id='1' enabled='yes' hotpluggable='no'/>
    <vcpu id='2' enabled='yes' hotpluggable='yes'/>
    <vcpu id='3' enabled='no' hotpluggable='yes'/>
  </vcpus>
  <sysinfo type='smbios'>
    <bios><entry name='vendor'>Tests, Inc.</entry></bios>
    <system><entry name='product'>Rocket 9</entry><entry name='serial'>S-17</entry></system>
    <chassis><entry name='asset'>shelf-3</entry></chassis>
  </sysinfo>
  <sysinfo type='fwcfg'><entry name='opt/org.example/word'>swordfish</entry></sysinfo>
  <os>
    <type arch='x86_64' machine='q35'>hvm</type>
    <smbios mode='sysinfo'/>
    <kernel>$guest/vmlinuz</kernel>
    <initrd>$guest/initramfs</initrd>
    <cmdline>console=ttyS0 quiet hostname=big</cmdline>
  </os>
  <features><acpi/><apic/></features>
  <cpu mode='custom' match='exact'>
    <model fallback='forbid'>Nehalem</model>
    <topology sockets='2' cores='2' threads='1'/>
    <feature policy='disable' name='sse4.2'/>
    <numa>
      <cell id='0' cpus='0-1' memory='160' unit='MiB'>
        <distances><sibling id='0' value='10'/><sibling id='1' value='27'/></distances>
      </cell>
      <cell id='1' cpus='2-3' memory='96' unit='MiB'/>
    </numa>
  </cpu>
  <clock offset='absolute' start='946684800'/>
  <devices>
    <serial type='pty'><target port='0'/></serial>
    <memory model='dimm'>
      <target><size unit='MiB'>128</size><node>1</node></target>
    </memory>
    <memory model='virtio-mem'>
      <target><size unit='MiB'>256</size><node>0</node><block unit='MiB'>4</block><requested unit='MiB'>128</requested></target>
    </memory>
  </devices>
</domain>
END
check "define" hv define "$TEST_TMP/big.xml"
check "the DIMM's slot is written back" sh -c "'$HVMUX' dumpxml big | grep -q \"type=.dimm. slot=.0.\""
check "start" hv start big
check "boots" wait_screen big 'big login:' 120
check "log in" login big
ask big NODES 'cat /sys/devices/system/node/possible; cat /sys/devices/system/node/node1/cpulist /sys/devices/system/node/node0/distance'
check "two NUMA nodes, their processors and distances" wait_screen big 'NODES 0-1 2 10 27'
ask big CPU "grep -c ^processor /proc/cpuinfo; grep -m1 -o Nehalem /proc/cpuinfo; grep -c sse4_2 /proc/cpuinfo; cat /sys/devices/system/cpu/cpu1/topology/core_id"
check "three processors of the model, without the feature, two cores in a socket" wait_screen big 'CPU 3 Nehalem 0 1'
ask big DMI 'cd /sys/class/dmi/id; cat bios_vendor product_name product_serial chassis_asset_tag'
check "SMBIOS strings" wait_screen big 'DMI Tests, Inc. Rocket 9 S-17 shelf-3'
ask big WORD 'cat /sys/firmware/qemu_fw_cfg/by_name/opt/org.example/word/raw'
check "fw_cfg" wait_screen big 'WORD swordfish'
ask big YEAR 'date -u +%Y-%m'
check "its clock began in another century" wait_screen big 'YEAR 2000-01'
# A DIMM is there as blocks of memory, offline until the guest onlines them.
ask big BLOCKS 'ls -d /sys/devices/system/node/node1/memory* | wc -l; ls -d /sys/bus/acpi/devices/PNP0C80* | wc -l'
check "the DIMM is a memory device of ACPI" wait_for 20 sh -c "'$HVMUX' screen big | grep -Eq 'BLOCKS [0-9]+ [1-9]'"
check "destroy" hv destroy big

# --- UEFI ----------------------------------------------------------------------------------------------
vars=$HVMUX_HOME/data/nvram/efi_VARS.fd
efi_xml() {
	cat <<-END
	<domain type='qemu'>
	  <name>efi</name>
	  <memory unit='MiB'>256</memory>
	  <vcpu>1</vcpu>
	  <os firmware='efi'>
	    <type arch='x86_64' machine='q35'>hvm</type>
	    <firmware><feature enabled='no' name='secure-boot'/></firmware>
	    <kernel>$guest/vmlinuz</kernel>
	    <initrd>$guest/initramfs</initrd>
	    <cmdline>console=ttyS0 quiet hostname=efi</cmdline>
	  </os>
	  <features><acpi/></features>
	  <devices><serial type='pty'><target port='0'/></serial></devices>
	</domain>
	END
}
efi_xml >"$TEST_TMP/efi.xml"
hv define "$TEST_TMP/efi.xml" >/dev/null
if ! hv domxml-to-native qemu-argv --domain efi >"$TEST_TMP/native" 2>&1; then
	tap_skip "a guest boots by UEFI" "no UEFI firmware for x86_64 here"
	tap_done
fi
check "UEFI: start" hv start efi
check "UEFI: its variables are there" test -s "$vars"
check "UEFI: boots" wait_screen efi 'efi login:' 240
check "UEFI: log in" login efi
ask efi FIRMWARE 'ls -d /sys/firmware/efi; cat /sys/class/dmi/id/bios_vendor'
check "UEFI: the guest knows" wait_screen efi 'FIRMWARE /sys/firmware/efi'
check "UEFI: destroy" hv destroy efi
printf mark >>"$vars"
check "UEFI: start again, with the variables as they were left" sh -c "'$HVMUX' start --paused efi; tail -c 4 '$vars' | grep -q mark"
tap_done
