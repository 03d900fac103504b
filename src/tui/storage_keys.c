#include "tui/storage_keys.h"

#include <string.h>

#include "core/mem.h"
#include "tui/input.h"

#define POOLS STORAGE_IN(STORAGE_POOLS)
#define VOLUMES STORAGE_IN(STORAGE_VOLUMES)
#define JOBS STORAGE_IN(STORAGE_JOBS)
#define ALL (POOLS | VOLUMES | JOBS)

const struct storage_binding storage_keys[] = {
    {{"Enter"}, STORAGE_ACT_OPEN, ALL, NULL, "open",
        "a pool: to its volumes; a volume: all that is known of its chain; a job: what it said"},
    {{"Tab"}, STORAGE_ACT_PART, ALL, NULL, "pools/volumes/jobs", "to the volumes, jobs, pools"},
    {{"n"}, STORAGE_ACT_NEW, POOLS | VOLUMES, "vol-create-as", "new",
        "a new volume in the pool: the command is there, its name and size are to be typed"},
    {{"c"}, STORAGE_ACT_CLONE, VOLUMES, "vol-clone", "clone", "copy the volume under a new name"},
    {{"r"}, STORAGE_ACT_RESIZE, VOLUMES, "vol-resize", "resize", "another size for the guest"},
    {{"z"}, STORAGE_ACT_COMPRESS, VOLUMES, "job-start", "compress",
        "a compressed copy, made in the background"},
    {{"v"}, STORAGE_ACT_CONVERT, VOLUMES, "job-start", "convert",
        "a copy in another format, made in the background"},
    {{"D"}, STORAGE_ACT_VOLUME, VOLUMES, "vol-delete", "delete",
        "delete the volume: says who uses it, the name has to be typed; it goes to the pool's trash"},
    {{"u"}, STORAGE_ACT_UNDELETE, VOLUMES, "vol-undelete", "undelete",
        "bring a deleted volume back from the trash"},
    {{"d"}, STORAGE_ACT_VOLUME, VOLUMES, "vol-info", NULL, "information in words"},
    {{"d"}, STORAGE_ACT_POOL, POOLS, "pool-info", NULL, "information in words"},
    {{"x"}, STORAGE_ACT_XML, VOLUMES, "vol-dumpxml", NULL, "the volume's document as XML"},
    {{"x"}, STORAGE_ACT_XML, POOLS, "pool-dumpxml", NULL, "the pool's document as XML"},
    {{"s"}, STORAGE_ACT_POOL, POOLS, "pool-start", "start", "start the pool"},
    {{"S"}, STORAGE_ACT_POOL, POOLS, "pool-destroy", "stop",
        "stop the pool: unmounted, if it is mounted; its volumes stay"},
    {{"a"}, STORAGE_ACT_AUTOSTART, POOLS, "pool-autostart", NULL,
        "start it with the host, or do not"},
    {{"f"}, STORAGE_ACT_POOL, POOLS | VOLUMES, "pool-refresh", NULL,
        "look at the pool now; empties its trash of what is old"},
    {{"t"}, STORAGE_ACT_POOL, POOLS | VOLUMES, "vol-tree", "tree",
        "the pool's chains as a tree, with sizes and users"},
    {{"o"}, STORAGE_ACT_POOL, POOLS | VOLUMES, "vol-orphans", NULL,
        "volumes of the pool that nobody uses"},
    {{"p"}, STORAGE_ACT_NEW_POOL, POOLS, "pool-define-as", "new pool",
        "define a pool: its name and where it lies are to be typed"},
    {{"C"}, STORAGE_ACT_CANCEL_JOB, JOBS, "job-cancel", "cancel", "end the job"},
    {{"/"}, STORAGE_ACT_FILTER, POOLS | VOLUMES, NULL, "filter",
        "show only volumes that match: name, format, who uses them"},
    {{"<"}, STORAGE_ACT_SORT_LEFT, POOLS | VOLUMES, NULL, NULL, "sort by the column to the left"},
    {{">"}, STORAGE_ACT_SORT_RIGHT, POOLS | VOLUMES, NULL, NULL, "sort by the column to the right"},
    {{"I"}, STORAGE_ACT_INVERT, POOLS | VOLUMES, NULL, NULL, "invert the order"},
    {{":"}, STORAGE_ACT_PALETTE, ALL, NULL, "command", "any command"},
    {{"Up", "k"}, STORAGE_ACT_UP, ALL, NULL, NULL, "up"},
    {{"Down", "j"}, STORAGE_ACT_DOWN, ALL, NULL, NULL, "down"},
    {{"PgUp", "Ctrl+B"}, STORAGE_ACT_PAGE_UP, ALL, NULL, NULL, "a page up"},
    {{"PgDn", "Ctrl+F"}, STORAGE_ACT_PAGE_DOWN, ALL, NULL, NULL, "a page down"},
    {{"Home", "g"}, STORAGE_ACT_TOP, ALL, NULL, NULL, "first"},
    {{"End", "G"}, STORAGE_ACT_BOTTOM, ALL, NULL, NULL, "last"},
    {{"e"}, STORAGE_ACT_EVENTS, ALL, NULL, NULL, "all events"},
    {{"?", "F1"}, STORAGE_ACT_HELP, ALL, NULL, "help", "this page"},
    {{"Ctrl+C"}, STORAGE_ACT_CANCEL, ALL, NULL, NULL, "cancel the command that runs"},
    {{"Ctrl+L"}, STORAGE_ACT_REDRAW, ALL, NULL, NULL, "draw the screen anew"},
    {{"Ctrl+Z"}, STORAGE_ACT_SUSPEND, ALL, NULL, NULL, "suspend the dashboard"},
    {{"Esc"}, STORAGE_ACT_BACK, ALL, NULL, NULL, "clear the filter; else back to the domains"},
    {{"q", "i"}, STORAGE_ACT_QUIT, ALL, NULL, "back", "back to the domains"},
};
const unsigned storage_key_count = ARRAY_LEN(storage_keys);

const struct storage_binding *storage_keys_find(enum storage_part part, const struct vt_key *k)
{
	struct vt_key key = *k, want;
	if (key.sym == VT_KEY_KP_ENTER)
		key.sym = VT_KEY_ENTER;
	for (unsigned i = 0; i < storage_key_count; i++) {
		const struct storage_binding *b = &storage_keys[i];
		for (unsigned n = 0;
		     (b->in & STORAGE_IN(part)) && n < ARRAY_LEN(b->keys) && b->keys[n]; n++)
			if (input_key_parse(b->keys[n], &want) == 0 && want.sym == key.sym &&
			    want.cp == key.cp && want.mods == key.mods)
				return b;
	}
	return NULL;
}

void storage_keys_help(struct buf *out)
{
	buf_adds(out, "\nThe Storage screen (i)\n");
	for (unsigned i = 0; i < storage_key_count; i++) {
		const struct storage_binding *b = &storage_keys[i];
		CLEANUP_BUF struct buf keys = BUF_INIT;
		for (unsigned n = 0; n < ARRAY_LEN(b->keys) && b->keys[n]; n++)
			buf_addf(&keys, "%s%s", n ? "  " : "", b->keys[n]);
		buf_addf(out, "  %-14s %s", keys.data, b->help);
		if (b->verb)
			buf_addf(out, "  [hvmux %s]", b->verb);
		buf_addc(out, '\n');
	}
	buf_adds(out,
	    "  USED of a volume: what it takes on the host, of SIZE, what the guest sees. A star behind a domain: it runs. "
	    "PROMISED of a pool: what its volumes may grow to, in per cent of what there is.\n");
}

void storage_keys_footer(enum storage_part part, struct sheet *s, int row)
{
	int col = 1;
	sheet_fill(s, row, STYLE_BAR);
	for (unsigned i = 0; i < storage_key_count; i++) {
		const struct storage_binding *b = &storage_keys[i];
		int need = b->label ? (int)(strlen(b->keys[0]) + strlen(b->label)) + 1 : 0;
		/* Help and the way back are kept in sight. */
		int kept = b->action == STORAGE_ACT_HELP || b->action == STORAGE_ACT_QUIT ? 0 : 16;
		if (!b->label || !(b->in & STORAGE_IN(part)) || col + need + kept > s->cols)
			continue;
		col += sheet_text(s, row, col, s->cols - col, STYLE_BAR_KEY, b->keys[0]) + 1;
		col += sheet_text(s, row, col, s->cols - col, STYLE_BAR, b->label) + 2;
	}
}
