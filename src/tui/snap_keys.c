#include "tui/snap_keys.h"

#include <string.h>

#include "cli/table.h"
#include "core/mem.h"
#include "tui/input.h"

const struct snap_binding snap_keys[] = {
    {{"n"}, SNAP_ACT_NEW, "snapshot-create-as", "new",
        "a new snapshot: name, description, with the memory or of the disks alone"},
    {{"R"}, SNAP_ACT_REVERT, "snapshot-revert", "revert",
        "back to the one under the cursor: says what is lost, and can take a safety snapshot first"},
    {{"D"}, SNAP_ACT_DELETE, "snapshot-delete", "delete",
        "delete it, or all below it; its name has to be typed"},
    {{"Enter", "d"}, SNAP_ACT_SHOW, "snapshot-info", "details",
        "all that is known of it, in words"},
    {{"x"}, SNAP_ACT_SHOW, "snapshot-dumpxml", "XML", "its document as XML"},
    {{"c"}, SNAP_ACT_SHOW, "snapshot-edit", NULL, "change its document in your editor ($EDITOR)"},
    {{"a"}, SNAP_ACT_SCHEDULE, "snapshot-schedule", "schedule",
        "make snapshots by the clock, and delete those again that are old enough"},
    {{"C"}, SNAP_ACT_CANCEL_JOB, "domjobabort", "cancel job",
        "cancel what goes on in the domain: what was done is undone"},
    {{":"}, SNAP_ACT_PALETTE, NULL, "command", "any command"},
    {{"Up", "k"}, SNAP_ACT_UP, NULL, NULL, "up"},
    {{"Down", "j"}, SNAP_ACT_DOWN, NULL, NULL, "down"},
    {{"PgUp", "Ctrl+B"}, SNAP_ACT_PAGE_UP, NULL, NULL, "a page up"},
    {{"PgDn", "Ctrl+F"}, SNAP_ACT_PAGE_DOWN, NULL, NULL, "a page down"},
    {{"Home", "g"}, SNAP_ACT_TOP, NULL, NULL, "first"},
    {{"End", "G"}, SNAP_ACT_BOTTOM, NULL, NULL, "last"},
    {{"e"}, SNAP_ACT_EVENTS, NULL, NULL, "all events"},
    {{"?", "F1"}, SNAP_ACT_HELP, NULL, "help", "this page"},
    {{"Ctrl+C"}, SNAP_ACT_CANCEL, NULL, NULL, "cancel the command that runs"},
    {{"Ctrl+L"}, SNAP_ACT_REDRAW, NULL, NULL, "draw the screen anew"},
    {{"Ctrl+Z"}, SNAP_ACT_SUSPEND, NULL, NULL, "suspend the dashboard"},
    {{"q", "Esc", "b"}, SNAP_ACT_BACK, NULL, "back", "back to the domains"},
};
const unsigned snap_key_count = ARRAY_LEN(snap_keys);

static bool there(const struct snap_binding *b)
{
	return !b->verb || verb_find(b->verb);
}

const struct snap_binding *snap_keys_find(const struct vt_key *k)
{
	struct vt_key key = *k, want;
	if (key.sym == VT_KEY_KP_ENTER)
		key.sym = VT_KEY_ENTER;
	for (unsigned i = 0; i < snap_key_count; i++) {
		const struct snap_binding *b = &snap_keys[i];
		for (unsigned n = 0; there(b) && n < ARRAY_LEN(b->keys) && b->keys[n]; n++)
			if (input_key_parse(b->keys[n], &want) == 0 && want.sym == key.sym &&
			    want.cp == key.cp && want.mods == key.mods)
				return b;
	}
	return NULL;
}

void snap_keys_help(struct buf *out)
{
	buf_adds(out, "\nThe Snapshots screen (b)\n");
	for (unsigned i = 0; i < snap_key_count; i++) {
		const struct snap_binding *b = &snap_keys[i];
		CLEANUP_BUF struct buf keys = BUF_INIT;
		if (!there(b))
			continue;
		for (unsigned n = 0; n < ARRAY_LEN(b->keys) && b->keys[n]; n++)
			buf_addf(&keys, "%s%s", n ? "  " : "", b->keys[n]);
		buf_addf(out, "  %-14s %s", keys.data, b->help);
		if (b->verb)
			buf_addf(out, "  [hvmux %s]", b->verb);
		buf_addc(out, '\n');
	}
	buf_adds(out,
	    "  The tree goes on in the same column while one snapshot stands on the other, and moves right where it "
	    "branches. The full dot is the current one: the next snapshot stands on it.\n");
}

void snap_keys_footer(struct sheet *s, int row)
{
	int col = 1;
	sheet_fill(s, row, STYLE_BAR);
	for (unsigned i = 0; i < snap_key_count; i++) {
		const struct snap_binding *b = &snap_keys[i];
		int need = b->label ? (int)(strlen(b->keys[0]) + strlen(b->label)) + 1 : 0;
		/* Help and the way back are kept in sight. */
		bool last = b->action == SNAP_ACT_HELP || b->action == SNAP_ACT_BACK;
		if (!b->label || !there(b) || col + need + (last ? 0 : 16) > s->cols)
			continue;
		col += sheet_text(s, row, col, s->cols - col, STYLE_BAR_KEY, b->keys[0]) + 1;
		col += sheet_text(s, row, col, s->cols - col, STYLE_BAR, b->label) + 2;
	}
}
