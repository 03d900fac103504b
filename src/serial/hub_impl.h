/* hub_impl: what the hub's own files share: hub.c (guest, facts), hub_log.c (ring → log), hub_door.c (who comes and goes),
 * hub_out.c (ring → clients), hub_in.c (clients → keyboard), hub_keys.c (keyboard → guest). Included by nobody else.
 *
 * Memory, whatever clients do: HUB_CLIENTS_MAX times the struct with its two events (under 1 KiB), the rest of one frame
 * of output (hub_out.c: OUT_PIECE, in a block of 2 KiB) and a small frame of input (hub_in.c: IN_SMALL, in one of 512
 * bytes), and HUB_KEYS_MAX once: less than 256 KiB.
 *
 * Callbacks to the owner may free the hub, and closing a client may happen anywhere: memory stays
 * until hub_leave of the outermost handler, so that nothing on the stack dangles. Every event
 * handler and public function that calls back is bracketed by hub_enter and hub_leave. */
#ifndef SERIAL_HUB_IMPL_H
#define SERIAL_HUB_IMPL_H

#include <sys/types.h>

#include "core/buf.h"
#include "serial/conlog_writer.h"
#include "serial/hub.h"
#include "serial/ring.h"

#define HUB_READ_MAX 65536u /* bytes from the guest per wake-up */
#define HUB_CATCH_UP 4      /* reads before a note: more than a socket's buffer holds */
#define HUB_BURST 8192u     /* bytes that do not wait for HUB_COALESCE_US */
#define HUB_KEYS_MAX \
	32000u /* keys queued for a guest that does not read; then its typist is not read */
#define HUB_READERS_MAX 48 /* places of HUB_CLIENTS_MAX that the readers' group may fill */
#define HUB_USER_MAX 24
#define HUB_SAME_BOOT_MS 30000 /* a reset without a byte before it is no boot of its own */
#define HUB_READER_LINES \
	60 /* in the audit log in HUB_TYPING_MS: readers must not wash out what else is in it */
#define HUB_TROUBLE_MS 60000 /* between two reports that the log stands still */
#define HUB_TYPING_MS 60000  /* of typing in one line of the audit log */
#define HUB_LOG_LAG \
	CONLOG_PIECE /* bytes that the log may be behind before it is written without waiting for the tick */
/* A guest that is faster than the disk is not read while the log is that many bytes behind: what it says is written, or it
 * would be lost. For no longer than a piece that comes back in HUB_HOLD_MS: a disk that hangs holds nobody up. */
#define HUB_LOG_HOLD 524288u
#define HUB_HOLD_MS 100
#define HUB_TICK_MS 50 /* after activity: log written, facts told */
#define HUB_RETRY_MS \
	1000 /* tick while the log is in trouble, or no descriptor is left to accept with */
#define HUB_STALLED_MS 250 /* tick while a client is not read: did it hang up? */
#define HUB_ASK_MS \
	1000 /* between two questions of one client for the keyboard: a holder is not pestered */
#define HUB_HELLO_MS \
	5000 /* a client that has not introduced itself by then makes room for the next */

enum hub_socket { HUB_SOCK, HUB_RAW, HUB_SOCKETS };

/* Where a client stands. */
struct hub_told {
	uint64_t pos;                  /* next byte of the ring */
	struct ring_note_cursor notes; /* next note */
	uint64_t people;               /* hub.people of the last WHO; 0 none yet */
	unsigned count, watchers;      /* those it counted, and those told since */
	uint64_t asks;                 /* hub.asks of the last ASKED */
};

struct hub_client {
	struct hub *hub;
	int fd;
	bool raw;
	bool reader;   /* may watch and not type */
	bool outsider; /* of the readers' group */
	bool attached; /* HELLO was good; raw: from the start */
	bool dead;     /* closed; freed by hub_leave */
	bool stalled;  /* not read: the guest does not take its keys */
	bool eof;      /* it has sent its last byte, and may still read (raw) */
	bool gone;    /* hung up with keys on their way: they still count while nobody else types */
	bool blocked; /* its socket is full */
	bool deaf;    /* its socket takes no more output: its own end is read first */
	bool warned;  /* a refusal of its keys is in the audit log */
	uint64_t since_ms;
	uint64_t asked_ms; /* when it last asked for the keyboard */
	struct hub_told told;
	uint64_t live_at; /* bytes from here on came after it attached */
	struct buf out;   /* rest of one frame that the socket took in part, or WELCOME, or BYE */
	struct buf in;    /* what could not be dealt with yet */
	size_t keys_left; /* of the KEYS that is being taken */
	uint64_t typed,
	    typed_ms; /* bytes since the last line in the audit log; the first of them */
	uint16_t rows, cols;
	char name[64];  /* "root@pts/3" */
	char place[48]; /* where from: "192.0.2.7", "" not known */
	char user[HUB_USER_MAX];
	uid_t uid;
	pid_t pid;
	struct event *rd, *wr;
};

struct hub {
	struct loop *loop;
	unsigned index;
	char *label; /* "console 0": in the audit's sentences */
	char *paths[HUB_SOCKETS];
	int listeners[HUB_SOCKETS];
	struct event *accepts[HUB_SOCKETS];
	bool resting; /* the listeners do */
	struct ring *ring;
	struct conlog_writer *log;
	uint64_t log_goal;                 /* up to where it is to be written now */
	bool held;                         /* the guest is not read: HUB_LOG_HOLD */
	struct ring_note_cursor log_notes; /* the next one for the log */
	bool log_trouble; /* told; log_told_ms: when; log_missed: bytes missing at that time */
	uint64_t log_told_ms, log_missed;
	char log_why[64];
	bool in_memory; /* the ring, for want of space; said once */
	int guest;
	uint64_t boot_at, boot_ms; /* the last mark was a boot: where, when */
	bool fresh; /* the next connection to the guest is its first since it was started */
	struct event *guest_rd, *guest_wr;
	struct buf keys; /* for the guest */
	size_t keys_at;  /* of them the guest has taken */
	bool echo;       /* keys went out: the next output is their echo and does not wait */
	uint64_t flush_ns, flush_end; /* when clients were last served, and up to where */
	struct event *flush, *tick, *typing;
	uint64_t tick_ms; /* when the tick that is pending comes */
	bool changed;
	uint64_t last_ns, noted_ns; /* when the last bytes came; the last of them that are noted */
	struct hub_line *line;      /* of facts, kept until more comes */
	struct hub_client *clients[HUB_CLIENTS_MAX];
	unsigned n_clients;
	struct hub_client *holder; /* of the keyboard */
	uint64_t asks;             /* counts those who asked the holder for it */
	char asker[128];           /* the last of them */
	uint64_t people;       /* counts changes of who is there, who types, and its size; from 1 */
	bool people_due;       /* somebody came or went: everybody is told at the next tick */
	unsigned reader_lines; /* in the audit log since reader_ms */
	uint64_t reader_ms;
	void (*tap)(void *arg, const void *p, size_t n);
	void *tap_arg;
	struct hub_ops ops;
	void *arg;
	int depth;
	bool dead;
};

/* --- hub.c --- */
void hub_enter(struct hub *b);
void hub_leave(struct hub *b);
void hub_changed(struct hub *b); /* arms the tick */
/* Reads the guest again when the log has caught up, or the disk hangs. */
void hub_release(struct hub *b);
void hub_watch_stalled(
    struct hub *b); /* the same, to look whether a stalled client is still there */
/* No descriptor is left: the listeners rest until the next tick rather than wake us for ever. */
void hub_accept_rest(struct hub *b);
/* who: a client, NULL none; what: a word; then a sentence that goes on behind the client's name. */
void hub_audit(struct hub *b, const struct hub_client *who, const char *what, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
/* Somebody types: within HUB_TYPING_MS it is written down. */
void hub_watch_typing(struct hub *b);
/* Frees those that are dead: only where no client is on the stack. */
void hub_bury(struct hub *b);

/* --- hub_out.c --- */
/* Gives the client what its socket takes. */
void hub_out_client(struct hub_client *c);
void hub_out_writable(evutil_socket_t fd, short what, void *arg);
/* Everybody, now. */
void hub_out_all(struct hub *b);
/* The guest has said something: now, or within HUB_COALESCE_US. */
void hub_out_guest(struct hub *b);
/* Holder, number of clients or size changed: everybody is told. */
void hub_out_who(struct hub *b);
/* Somebody came or went: everybody is told soon, once for all who do at the same time. */
void hub_out_who_soon(struct hub *b);
/* Last words, as far as the socket takes them now. */
void hub_out_bye(struct hub_client *c, const char *why);

/* --- hub_log.c --- */
/* Writes to the log what the ring has and the log has not. What the ring has lost meanwhile becomes the log's hole. */
void hub_log_flush(struct hub *b);
/* All of it, as far as the disk answers soon. */
void hub_log_finish(struct hub *b);
/* Is the guest to wait for the log? */
bool hub_log_behind(const struct hub *b);
/* conlog_writer's answer. arg: struct hub */
void hub_log_written(void *arg, const struct conlog_written *done);
void hub_log_facts(const struct hub *b, struct hub_facts *f);

/* --- hub_door.c --- */
void hub_door_accept(evutil_socket_t fd, short what, void *arg); /* arg: struct hub */
/* Closes clients that half-closed and then left, and those that never introduced themselves. */
void hub_door_sweep(struct hub *b);
/* "root@pts/3" and "192.0.2.7": who it is the kernel says; where ("pts/3 192.0.2.7"), the client, in harmless characters
 * only. */
void hub_client_name(struct hub_client *c, const char *where);
/* "root@pts/3 from 192.0.2.7" */
void hub_client_title(const struct hub_client *c, char *out, size_t n);
void hub_client_refuse(struct hub_client *c, const char *why);
void hub_client_close(struct hub_client *c);
void hub_client_free(struct hub_client *c);
unsigned hub_attached(const struct hub *b);

/* --- hub_in.c --- */
struct frame;
void hub_in_attach(struct hub_client *c, const struct frame *hello);
void hub_in_readable(evutil_socket_t fd, short what, void *arg); /* arg: struct hub_client */
/* Deals with what was kept, and reads on. */
void hub_in_resume(struct hub_client *c);

/* --- hub_keys.c --- */
/* May this client type now? A raw client takes a free keyboard by typing. */
bool hub_keys_allowed(struct hub_client *c);
size_t hub_keys_room(const struct hub *b);
void hub_keys_put(struct hub_client *c, const void *p, size_t n); /* n: at most the room */
/* Gives the guest what its socket takes, and wakes clients that waited for room. */
void hub_keys_flush(struct hub *b);
void hub_keys_take(struct hub_client *c);
void hub_keys_release(struct hub_client *c);
/* It would like to: the holder hears of it. Where there is none, it takes it. */
void hub_keys_ask(struct hub_client *c);
/* Writes down what was typed by those who began that long ago. */
void hub_keys_account(struct hub *b, unsigned ms);

#endif
