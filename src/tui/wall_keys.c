#include "tui/wall_keys.h"

#include "core/mem.h"
#include "tui/input.h"

#define BOTH (WALL_WHEN_LOOK | WALL_WHEN_MENU)

const struct wall_binding wall_keys[] = {
    {{"Enter"}, WALL_ACT_ZOOM, WALL_WHEN_LOOK, "zoom",
        "the console full-screen; detaching comes back to the wall"},
    {{"i"}, WALL_ACT_TYPE, WALL_WHEN_LOOK, "type", "type into this tile alone; Ctrl+] ends it"},
    {{"b"}, WALL_ACT_BROADCAST, BOTH, "broadcast",
        "type into all tiles at once, after a question that names them; again, or Ctrl+], ends it"},
    {{"Space"}, WALL_ACT_OUT, BOTH, "out/in", "take this tile out of the broadcast, or back in"},
    {{"F"}, WALL_ACT_FORCE, BOTH, NULL, "take the keyboard from whoever holds it (asks)"},
    {{"Tab"}, WALL_ACT_NEXT, BOTH, "next", "next tile"},
    {{"Left", "h"}, WALL_ACT_LEFT, BOTH, NULL, "the tile to the left"},
    {{"Right", "l"}, WALL_ACT_RIGHT, BOTH, NULL, "to the right"},
    {{"Up", "k"}, WALL_ACT_UP, BOTH, NULL, "above"},
    {{"Down", "j"}, WALL_ACT_DOWN, BOTH, NULL, "below"},
    {{"PgDn"}, WALL_ACT_PAGE_DOWN, BOTH, NULL, "next page, where not all tiles fit"},
    {{"PgUp"}, WALL_ACT_PAGE_UP, BOTH, NULL, "previous page"},
    {{"o"}, WALL_ACT_PORT, WALL_WHEN_LOOK, "port", "another of the domain's ports"},
    {{"s"}, WALL_ACT_START, WALL_WHEN_LOOK, NULL, "start a domain that is off"},
    {{"?", "F1"}, WALL_ACT_HELP, BOTH, "help", "this page"},
    {{"Ctrl+L"}, WALL_ACT_REDRAW, BOTH, NULL, "draw the screen anew"},
    {{"Ctrl+Z"}, WALL_ACT_SUSPEND, WALL_WHEN_LOOK, NULL, "suspend the program (guests run on)"},
    {{"q", "Esc"}, WALL_ACT_BACK, WALL_WHEN_LOOK, "leave", "leave the wall; so does Ctrl+]"},
};
const unsigned wall_key_count = ARRAY_LEN(wall_keys);

const struct wall_binding *wall_keys_find(unsigned when, const struct vt_key *k)
{
	struct vt_key key = *k, want;
	if (key.sym == VT_KEY_KP_ENTER)
		key.sym = VT_KEY_ENTER;
	for (unsigned i = 0; i < wall_key_count; i++) {
		const struct wall_binding *b = &wall_keys[i];
		for (unsigned n = 0; (b->when & when) && n < ARRAY_LEN(b->keys) && b->keys[n]; n++)
			if (input_key_parse(b->keys[n], &want) == 0 && want.sym == key.sym &&
			    want.cp == key.cp && want.mods == key.mods)
				return b;
	}
	return NULL;
}

void wall_keys_help(struct buf *out)
{
	buf_adds(out, "\nOn the wall (w)\n");
	for (unsigned i = 0; i < wall_key_count; i++) {
		const struct wall_binding *b = &wall_keys[i];
		CLEANUP_BUF struct buf keys = BUF_INIT;
		for (unsigned n = 0; n < ARRAY_LEN(b->keys) && b->keys[n]; n++)
			buf_addf(&keys, "%s%s", n ? "  " : "", b->keys[n]);
		buf_addf(out, "  %-14s %s\n", keys.data, b->help);
	}
	buf_adds(out,
	    "  While keys go to a guest, the same stand behind the prefix key (Ctrl+\\ unless it was changed), and "
	    "Ctrl+] ends typing and broadcast at once.\n");
}
