/* wall_tile: one console on the wall. It is looked at through its ring's file, so that a wall costs the guests'
 * supervisors nothing; only one that is typed into is attached. Owner: the wall. */
#ifndef TUI_WALL_TILE_H
#define TUI_WALL_TILE_H

#include "core/home.h"
#include "core/status.h"
#include "tui/console_session.h"
#include "tui/preview.h"
#include "tui/wall_layout.h"

struct wall_tile {
	const struct home *home;
	char *name;
	unsigned index, consoles; /* consoleN; how many there are */
	char port[STATUS_PORT_NAME_MAX];
	struct preview *preview;         /* NULL: nothing was ever written */
	struct console_session *session; /* NULL: it is only looked at */
	uint64_t opened_ms;              /* the session */
	bool answers;                    /* the guest's questions to its terminal may be answered */
	bool live, silent, alone;        /* alone: its supervisor is gone, the guest runs on */
	char why[160];                   /* why it is off: "shut off (destroyed)" */
	char holder[64];                 /* who else has the keyboard; "" nobody */
	unsigned rows, cols;             /* of the guest's screen */
	void *owner;
};

void wall_tile_init(struct wall_tile *t, const struct home *h, const char *name, void *owner);
void wall_tile_fini(struct wall_tile *t);
/* Once a second: the facts. adopt: a supervisor that is gone is asked back. True when one that is drawn changed. */
bool wall_tile_look(struct wall_tile *t, bool adopt);
/* The next of its ports. */
void wall_tile_next_port(struct wall_tile *t);
/* Takes in what the guest wrote, of a flood the last `most` bytes; true when the picture changed. */
bool wall_tile_poll(struct wall_tile *t, size_t most);
/* Attaches, with the keyboard if it is free, or with CONSOLE_TAKE; callbacks get t. */
void wall_tile_type(
    struct wall_tile *t, struct loop *l, unsigned flags, const struct session_ops *ops);
/* And only looks again. */
void wall_tile_still(struct wall_tile *t);
/* The keyboard is ours. */
bool wall_tile_mine(const struct wall_tile *t);
/* Who else has it: "" nobody, or not known. */
const char *wall_tile_holder(const struct wall_tile *t);
/* The hub may let us in again before it has seen our last connection leave, whose keyboard it is then: taken. */
void wall_tile_inherit(struct wall_tile *t);

enum tile_role {
	TILE_LOOK,
	TILE_TYPE,     /* what is typed goes here alone */
	TILE_MEMBER,   /* … to this and others */
	TILE_DIFFERS,  /* … and it echoes something else than they do */
	TILE_OUT,      /* taken out of the broadcast */
	TILE_LEFT_OUT, /* not in it, for its keyboard is not ours */
};

struct tile_look {
	bool focused, titled;
	enum tile_role role;
};
void wall_tile_draw(struct wall_tile *t, const struct wall_rect *at, const struct tile_look *look);
/* The columns beside it. */
void wall_tile_draw_gaps(const struct wall_rect *at, const struct tile_look *look);

#endif
