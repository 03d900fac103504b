/* wall_impl: what the wall's two halves share: view_wall (tiles, keys, drawing) and wall_type (what goes to guests). */
#ifndef TUI_WALL_IMPL_H
#define TUI_WALL_IMPL_H

#include "core/buf.h"
#include "tui/app.h"
#include "tui/broadcast.h"
#include "tui/wall_layout.h"
#include "tui/wall_tile.h"

enum wall_mode {
	WALL_LOOKS,
	WALL_TYPES,      /* keys go to the tile with the focus */
	WALL_BROADCASTS, /* keys go to all members */
};

struct wall {
	struct view v;
	struct wall_tile tiles[WALL_TILES_MAX];
	unsigned n, focus;
	unsigned next; /* the tile that is looked at first at the next turn */
	struct wall_layout layout;
	struct event *poll;
	enum wall_mode mode;
	bool menu;      /* the prefix key was pressed */
	char note[200]; /* until a key */
	enum style note_style;
	uint64_t key_ms;
	uint64_t
	    deaf_ms; /* when typing was refused or ended by itself: what is on its way is no command */
	struct broadcast cast; /* its choice of tiles lives as long as the wall */
	struct event *judge;
	struct buf paste; /* not yet sent, or asked about */
	bool paste_long;  /* longer than may be */
};

void wall_note(struct wall *w, enum style st, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* The mode decides how the keyboard is read. */
void wall_mode_set(struct wall *w, enum wall_mode mode);
void wall_fit(struct wall *w);

/* --- wall_type.c --- */
void wall_type_start(struct wall *w);
void wall_type_stop(struct wall *w); /* typing and broadcast */
/* Keys that come within a moment were meant for the guest. */
void wall_type_refused(struct wall *w);
void wall_type_move(struct wall *w); /* the focus is on another tile now */
void wall_type_force(struct wall *w);
void wall_broadcast_ask(struct wall *w);
void wall_broadcast_out(struct wall *w); /* the focused tile out, or in */
enum tile_role wall_role(const struct wall *w, unsigned i);
/* False: not yet. */
bool wall_type_key(struct wall *w, const struct vt_key *k);
void wall_paste_add(struct wall *w, const char *p, size_t n);
void wall_paste_end(struct wall *w);
void wall_on_judge(evutil_socket_t fd, short what, void *arg);

#endif
