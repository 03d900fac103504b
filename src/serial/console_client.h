/* console_client: one attachment to a VM's console through run/NAME/consoleN.sock, inside an event
 * loop. Owner: whoever called open. May be freed inside its own callbacks. */
#ifndef SERIAL_CONSOLE_CLIENT_H
#define SERIAL_CONSOLE_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/err.h"
#include "core/home.h"
#include "core/loop.h"
#include "serial/ring.h"

enum {
	CONSOLE_KEYBOARD = 1,  /* ask for the keyboard; without it a spectator */
	CONSOLE_TAKE = 2,      /* take it over from whoever holds it (--force) */
	CONSOLE_NO_REPLAY = 4, /* start at the present end of the ring */
	CONSOLE_READ_ONLY =
	    16, /* never to type on this connection: the supervisor drops keys, and takes no TAKE */
};

#define CONSOLE_WATCHERS_MAX 64u
struct console_watcher {
	char name[96]; /* "root@pts/3 from 192.0.2.7"; printable */
	bool keyboard, reader, you;
};

struct console_who {
	bool mine;       /* we hold the keyboard */
	char holder[64]; /* "root@pts/3", "" nobody */
	unsigned clients;
	unsigned rows, cols;                    /* the holder's size, 0 unknown */
	const struct console_watcher *watchers; /* borrowed during the call */
	unsigned n_watchers;
};

/* Where a client stood: so that after a loss it goes on with no byte shown twice. run 0: nowhere. */
struct console_place {
	uint64_t run, offset;
	uint64_t noted_ns; /* time of the last note that was told */
};

struct console_client;

struct console_client_ops {
	/* Guest output. live: false while the ring's history is replayed (do not answer queries in
	 * it). */
	void (*data)(void *arg, uint64_t offset, const uint8_t *p, size_t n, bool live);
	/* Bytes [from, to) were skipped because we were too slow. */
	void (*gap)(void *arg, uint64_t from, uint64_t to);
	/* Before the byte at n->offset: when it came, a boot, a break. May be NULL. */
	void (*note)(void *arg, const struct ring_note *n);
	void (*who)(void *arg, const struct console_who *w);
	/* The keyboard is ours and somebody would like it. May be NULL. */
	void (*asked)(void *arg, const char *name);
	/* The first word of the hub. resumed: what follows goes on where `from` of open stood (a gap is told as ever);
	 * else it begins anew, and what was shown is of another run or was cleared. May be NULL. */
	void (*welcome)(void *arg, bool resumed);
	void (*closed)(void *arg, const char *why); /* once */
};

/* The client says where it sits: its terminal, and the address that SSH_CONNECTION names.
 * index: consoleN. from: go on there; NULL: from the oldest byte that is kept. A VM that is not running is ERR_STATE. */
struct console_client *console_client_open(struct loop *l, const struct home *h, const char *name,
    unsigned index, unsigned flags, const struct console_place *from,
    const struct console_client_ops *ops, void *arg, struct err *err);
/* Behind the last byte or gap that was told. */
struct console_place console_client_place(const struct console_client *c);
/* Has all been told that there was at the time of attaching? What comes is news. */
bool console_client_live(const struct console_client *c);
/* In closed: it was never let in, by a supervisor that said why (it is full, or of another version). */
bool console_client_refused(const struct console_client *c);
/* Tells the keyboard's holder that we would like it. */
void console_client_ask(struct console_client *c);
void console_client_free(struct console_client *c);
/* Queues keys; the number taken (less than n when the guest does not read: CONSOLE_KEYS_MAX are
 * queued at most). 0 when we do not hold the keyboard. */
#define CONSOLE_KEYS_MAX (1u << 20)
size_t console_client_keys(struct console_client *c, const void *p, size_t n);
/* Bytes that were queued and that the supervisor has not taken; they go with the client. */
size_t console_client_unsent(const struct console_client *c);
void console_client_take(struct console_client *c);
void console_client_release(struct console_client *c);
void console_client_size(struct console_client *c, unsigned rows, unsigned cols);
/* Stops reading (back-pressure when the terminal cannot keep up); the hub makes the gap. */
void console_client_pause(struct console_client *c, bool paused);

/* --- for a client that speaks frames itself --- */
/* A socket on which nothing was said yet, or -1. */
int console_client_connect(const struct home *h, const char *name, unsigned index, struct err *err);
/* The text of HELLO: "pts/3 192.0.2.7": the operator's terminal (- none), and where sshd says that it is from. */
void console_client_where(char *out, size_t n);

/* The whole replay of a console, running or ended, from its ring file: appended to out. For `hvmux
 * screen` and previews. */
struct buf;
int console_history(const struct home *h, const char *name, unsigned index, size_t max,
    struct buf *out, struct err *err);

#endif
