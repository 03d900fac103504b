#!/bin/sh
# An editor in front of the dashboard: it gets the terminal, and the dashboard comes back.
. "$(dirname "$0")/lib.sh"
cat >"$TEST_TMP/a.xml" <<END
<domain type='qemu'><name>web1</name><memory unit='MiB'>64</memory>
<os><type arch='x86_64' machine='q35'>hvm</type></os><features><acpi/></features><devices/></domain>
END
"$HVMUX" define "$TEST_TMP/a.xml" >/dev/null
# An editor that says so, and does what it is told by a word.
cat >"$TEST_TMP/editor" <<'END'
#!/bin/sh
while :; do
	echo "EDITING what:"
	read -r word
	case $word in
	title) sed -i 's|<memory|<title>From the editor</title><memory|' "$1"; exit 0 ;;
	same) exit 0 ;;
	fail) echo "the editor is unhappy" >&2; exit 3 ;;
	esac
done
END
chmod +x "$TEST_TMP/editor"
dash 100x30 "EDITOR=$TEST_TMP/editor" VISUAL=
check "the domain is there" see "▸ web1"
keys c
check "c gives the terminal to the editor" see "EDITING what:"
check "the dashboard is off the screen" see_not "1 Console"
keys C-z
text nothing
keys Enter
check "Ctrl+Z has nowhere to go" see "EDITING what:"
resize 80x24
text title
keys Enter
check "the dashboard comes back at its new size" see "1 Console"
check "and says what was done" see "edit web1: done"
check "the definition is the new one" wait_for 10 sh -c '"$HVMUX" dumpxml web1 | grep -q "From the editor"'
keys c
check "again" see "EDITING what:"
text fail
keys Enter
check "after a failure its words stay" see "Press a key to go back"
check "all of them" see "the editor is unhappy"
keys n
check "a key goes back" see "1 Console"
check "and is no command" see "▸ web1"
keys :
text "edit web1"
keys Enter
check "the palette does the same" see "EDITING what:"
text same
keys Enter
check "an unchanged text is no error" see "1 Console"
keys c
check "an editor that is interrupted" see "EDITING what:"
keys C-c
check "by Ctrl+C, which is not ours" see "Press a key to go back"
keys Enter
check "leaves the dashboard as it was" see "1 Console"
tap_done
