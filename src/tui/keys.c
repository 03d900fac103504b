#include "tui/keys.h"

#include <string.h>

#include "cli/table.h"
#include "core/mem.h"
#include "tui/console_menu.h"
#include "tui/input.h"
#include "tui/snap_keys.h"
#include "tui/storage_keys.h"
#include "tui/view_hardware.h"
#include "tui/wall_keys.h"

#define MOVE "Moving"
#define RUN "The marked domains, or the one under the cursor"
#define LOOK "Looking"
#define REST "The rest"

const struct key_binding key_table[] = {
    {{"Enter"}, ACT_ATTACH, "console", "attach", RUN,
        "open the console; of a domain that has ended: its last screen"},
    {{"s"}, ACT_VERB, "start", "start", RUN, "start"},
    {{"p"}, ACT_PAUSE, "suspend", "pause", RUN, "pause, or let go on (resume)"},
    {{"S"}, ACT_VERB, "shutdown", "shutdown", RUN, "shut down (asks the guest)"},
    {{"b"}, ACT_SNAPSHOTS, NULL, "snapshots", RUN,
        "the Snapshots screen, the way back: make snapshots, revert to them, delete them"},
    {{"+"}, ACT_PLUG, NULL, "plug", RUN,
        "plug in: disk, network card, vCPUs, memory, CD …; on a group: unfold it"},
    {{"w"}, ACT_WALL, "wall", "wall", RUN,
        "the wall: the consoles of the marked domains side by side; without marks, of all that run and are shown"},
    {{"R"}, ACT_VERB, "reboot", "reboot", RUN, "reboot (asks the guest)"},
    {{"X"}, ACT_VERB, "reset", NULL, RUN, "reset button: the guest is not asked"},
    {{"D"}, ACT_VERB, "destroy", "power off", RUN, "pull the plug: the guest is not asked"},
    {{"M"}, ACT_VERB, "managedsave", NULL, RUN,
        "save its memory and end it: the next start goes on there"},
    {{"C"}, ACT_VERB, "domjobabort", NULL, RUN,
        "cancel what goes on in it: a plan, a detach that waits; what was done is undone"},
    {{"U"}, ACT_VERB, "undefine", NULL, RUN, "forget the definition; the name has to be typed"},
    {{"a"}, ACT_VERB, "acknowledge", NULL, RUN,
        "acknowledge: take the badge away that a line on a console has set"},
    {{"d"}, ACT_VERB, "dominfo", NULL, RUN, "information in words"},
    {{"x"}, ACT_VERB, "dumpxml", NULL, RUN, "the definition as XML"},
    {{"c"}, ACT_VERB, "edit", NULL, RUN, "change the definition in your editor ($EDITOR)"},
    {{"Space"}, ACT_MARK, NULL, "mark", RUN,
        "mark; the next command applies to all that are marked. On a group: all in it"},
    {{"*"}, ACT_MARK_ALL, NULL, NULL, RUN, "mark all that are shown, or none"},
    {{":"}, ACT_PALETTE, NULL, "command", RUN, "any command, with completion by Tab"},
    {{"Up", "k"}, ACT_UP, NULL, NULL, MOVE, "up"},
    {{"Down", "j"}, ACT_DOWN, NULL, NULL, MOVE, "down"},
    {{"PgUp", "Ctrl+B"}, ACT_PAGE_UP, NULL, NULL, MOVE, "a page up"},
    {{"PgDn", "Ctrl+F"}, ACT_PAGE_DOWN, NULL, NULL, MOVE, "a page down"},
    {{"Home", "g"}, ACT_TOP, NULL, NULL, MOVE, "first"},
    {{"End", "G"}, ACT_BOTTOM, NULL, NULL, MOVE, "last"},
    {{"/"}, ACT_FILTER, NULL, "filter", LOOK,
        "show only what matches: name, state, address, title, group, #tag, badge, last console line"},
    {{"n"}, ACT_NEXT, NULL, NULL, LOOK, "next match of the last filter"},
    {{"N"}, ACT_PREVIOUS, NULL, NULL, LOOK, "previous match"},
    {{"<"}, ACT_SORT_LEFT, NULL, "sort", LOOK, "sort by the column to the left"},
    {{">"}, ACT_SORT_RIGHT, NULL, NULL, LOOK, "sort by the column to the right"},
    {{"I"}, ACT_INVERT, NULL, NULL, LOOK, "invert the order"},
    {{"o"}, ACT_TREE, NULL, "groups", LOOK, "the groups as a tree, or a plain list"},
    {{"Left", "-"}, ACT_FOLD, NULL, NULL, LOOK, "fold the group (Enter on a group does both)"},
    {{"Right"}, ACT_UNFOLD, NULL, NULL, LOOK, "unfold it"},
    {{"1"}, ACT_PANE, NULL, NULL, LOOK,
        "pane: the console's screen (the same key again closes a pane)"},
    {{"2"}, ACT_PANE, NULL, NULL, LOOK, "pane: graphs"},
    {{"3"}, ACT_PANE, NULL, NULL, LOOK, "pane: disks"},
    {{"4"}, ACT_PANE, NULL, NULL, LOOK, "pane: network"},
    {{"5"}, ACT_PANE, NULL, NULL, LOOK, "pane: snapshots, as a tree"},
    {{"6"}, ACT_PANE, NULL, NULL, LOOK,
        "pane: hardware: every device, and what the next start changes"},
    {{"7"}, ACT_PANE, NULL, NULL, LOOK, "pane: events: commands that ran and what came of them"},
    {{"8"}, ACT_PANE, NULL, NULL, LOOK,
        "pane: the host: processors, memory, NUMA, hugepages, overcommit, pressure"},
    {{"9"}, ACT_PANE, NULL, NULL, LOOK,
        "pane: the domain's log: who did what, QEMU's and the supervisor's words"},
    {{"Tab"}, ACT_PANE_NEXT, NULL, NULL, LOOK, "next pane"},
    {{"["}, ACT_PANE_UP, NULL, NULL, LOOK, "scroll the pane back"},
    {{"]"}, ACT_PANE_DOWN, NULL, NULL, LOOK, "and forth"},
    {{"h"}, ACT_HARDWARE, NULL, NULL, LOOK,
        "the Hardware screen: every device, and what can be done to it"},
    {{"l"}, ACT_LOG, NULL, NULL, LOOK, "the log on a screen of its own"},
    {{"f"}, ACT_CRASHES, NULL, NULL, LOOK, "what was kept of its crashes (flight recorder)"},
    {{"v"}, ACT_RUN, "host-validate", NULL, LOOK, "what the host has and lacks"},
    {{"i"}, ACT_STORAGE, NULL, "storage", LOOK,
        "the Storage screen: pools, volumes (images) and who uses them, background jobs"},
    {{"t"}, ACT_SCALE, NULL, NULL, LOOK, "graphs: ten minutes, or a day"},
    {{"e"}, ACT_EVENTS, NULL, "events", LOOK, "all events, with the commands' whole output"},
    {{"?", "F1"}, ACT_HELP, NULL, "help", REST, "this page"},
    {{"Esc"}, ACT_BACK, NULL, NULL, REST, "clear filter, marks or message; never quits"},
    {{"Ctrl+C"}, ACT_CANCEL, NULL, NULL, REST, "cancel the command that runs"},
    {{"Ctrl+L"}, ACT_REDRAW, NULL, NULL, REST, "draw the screen anew"},
    {{"Ctrl+Z"}, ACT_SUSPEND, NULL, NULL, REST, "suspend the dashboard (guests run on)"},
    {{"q"}, ACT_QUIT, NULL, "quit", REST, "close a view; at the top quit (guests run on)"},
};
const unsigned key_count = ARRAY_LEN(key_table);

static bool same(const struct vt_key *a, const struct vt_key *b)
{
	return a->sym == b->sym && a->cp == b->cp && a->mods == b->mods;
}

const struct key_binding *keys_find(const struct vt_key *k, unsigned *which)
{
	struct vt_key key = *k, want;
	if (key.sym == VT_KEY_KP_ENTER)
		key.sym = VT_KEY_ENTER;
	for (unsigned i = 0; i < key_count; i++) {
		for (unsigned n = 0; n < ARRAY_LEN(key_table[i].keys) && key_table[i].keys[n];
		     n++) {
			if (input_key_parse(key_table[i].keys[n], &want) < 0 || !same(&key, &want))
				continue;
			if (which)
				*which = n;
			return &key_table[i];
		}
	}
	return NULL;
}

static void help_line(struct buf *out, const struct key_binding *b)
{
	struct buf keys = BUF_INIT;
	for (unsigned n = 0; n < ARRAY_LEN(b->keys) && b->keys[n]; n++)
		buf_addf(&keys, "%s%s", n ? "  " : "", b->keys[n]);
	buf_addf(out, "  %-14s %s", keys.data, b->help);
	if (b->verb)
		buf_addf(out, "  [hvmux %s]", b->verb);
	buf_addc(out, '\n');
	buf_fini(&keys);
}

static void help_verbs(struct buf *out)
{
	buf_adds(out,
	    "\nCommands (press : and type; the domains under the cursor or marked are filled in)\n");
	for (size_t i = 0; i < VERB_COUNT; i++) {
		const struct verb *v = verb_table[i];
		if (!(v->flags & VERB_HIDDEN))
			buf_addf(out, "  %-18s %s\n", v->name, v->summary);
	}
}

void keys_help(struct buf *out, const struct console_keys *console)
{
	static const char *const groups[] = {RUN, LOOK, MOVE, REST};
	for (size_t g = 0; g < ARRAY_LEN(groups); g++) {
		buf_addf(out, "%s%s\n", g ? "\n" : "", groups[g]);
		for (unsigned i = 0; i < key_count; i++)
			if (key_table[i].group == groups[g] ||
			    !strcmp(key_table[i].group, groups[g]))
				help_line(out, &key_table[i]);
	}
	buf_addc(out, '\n');
	console_menu_help(console, out);
	buf_adds(out,
	    "\nUpper case keys disrupt and ask first: y confirms, Esc cancels. Quitting never touches a guest.\n");
	snap_keys_help(out);
	view_hardware_help(out);
	storage_keys_help(out);
	wall_keys_help(out);
	help_verbs(out);
}
