/* frame: the messages of consoleN.sock (doc/console-socket.md). Pure: bytes in, structs out;
 * nothing is kept.
 *
 * A frame is an 8-byte header and a payload; integers are little-endian:
 *   u8 type, u8 flags, u16 zero, u32 length of the payload
 * The peer is hostile: type, flags, reserved bits and length are checked as soon as the header is
 * there. */
#ifndef SERIAL_FRAME_H
#define SERIAL_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/err.h"

#define FRAME_VERSION 2
#define FRAME_HEADER 8u
#define FRAME_DATA_MAX 65536u /* guest bytes in one DATA */
#define FRAME_KEYS_MAX 16384u /* bytes in one KEYS */
#define FRAME_TEXT_MAX 255u   /* bytes of text in HELLO, WHO, WATCHER, ASKED, BYE, no NUL */
#define FRAME_PAYLOAD_MAX (FRAME_DATA_MAX + 8u)
#define FRAME_SMALL_MAX \
	(FRAME_HEADER + 24u + FRAME_TEXT_MAX) /* any frame but DATA and KEYS, header and all */
#define FRAME_OFFSET_MAX (UINT64_MAX / 2)

enum frame_type {
	FRAME_HELLO = 1, /* client, first: version, wishes, run and offset, terminal and address */
	FRAME_WELCOME = 2, /* hub, first: version, first offset, where live output begins, run */
	FRAME_DATA = 3,    /* hub: offset, guest's bytes; flag LIVE */
	FRAME_GAP = 4,     /* hub: from, to: bytes [from, to) were skipped */
	FRAME_WHO = 5,     /* hub: clients, rows, cols, holder; flag MINE */
	FRAME_KEYS = 6,    /* client: for the guest; dropped unless the keyboard is the client's */
	FRAME_TAKE = 7,    /* client: the keyboard, from whoever holds it */
	FRAME_RELEASE = 8, /* client: gives the keyboard back */
	FRAME_SIZE = 9,    /* client: rows, cols of its terminal */
	FRAME_BYE = 10,    /* hub: why it is about to close */
	FRAME_NOTE = 11,   /* hub: offset, time, kind, value (struct ring_note), before that DATA */
	FRAME_ASK = 12,    /* client: would like the keyboard: its holder is told */
	FRAME_ASKED = 13,  /* hub, to the holder: who asked */
	FRAME_WATCHER = 14, /* hub: one who is attached; as many as WHO counts follow each WHO */
	FRAME_TYPE_COUNT
};

enum {
	FRAME_LIVE = 1,   /* DATA: produced after this client attached */
	FRAME_MINE = 1,   /* WHO: the keyboard is yours. WATCHER: this one holds it */
	FRAME_READER = 2, /* WATCHER: cannot type */
	FRAME_YOU = 4,    /* WATCHER: that is you */
};

/* Wishes in HELLO: the CONSOLE_* of console_client.h. */
enum {
	FRAME_WANT_KEYBOARD = 1,
	FRAME_WANT_TAKE = 2,
	FRAME_WANT_NO_REPLAY = 4,
	FRAME_WANT_RESUME =
	    8, /* from an offset of the run that HELLO names; of another run: anew */
	FRAME_WANT_READ_ONLY = 16, /* never to type on this connection */
	FRAME_WANT_ALL = 31
};

struct frame {
	enum frame_type type;
	uint8_t flags;
	uint32_t version, want; /* HELLO, WELCOME (want: 0) */
	uint64_t run;           /* HELLO, WELCOME: which start of the VM the offsets belong to */
	uint64_t from, to;      /* WELCOME, GAP; DATA: [from, to); HELLO, NOTE: from alone */
	uint64_t time;          /* NOTE: ns since the epoch */
	uint32_t kind, value;   /* NOTE */
	uint32_t clients;       /* WHO */
	uint16_t rows, cols;    /* WHO, SIZE */
	const uint8_t *bytes;   /* DATA, KEYS; borrowed from the input */
	size_t n;               /* of bytes */
	char
	    text[FRAME_TEXT_MAX +
	         1]; /* HELLO, WHO, BYE, ASKED, WATCHER: as it came, cut at a NUL: make it printable
	                                  before showing */
};

/* Decodes the first frame in p. Returns the bytes that it takes; 0 when more input is needed; -1
 * when the input cannot be a frame: then the connection is of no more use. */
long frame_decode(const uint8_t *p, size_t n, struct frame *f, struct err *err);
/* Of the payload, by a header that frame_decode has let pass. */
uint32_t frame_length(const uint8_t header[FRAME_HEADER]);
/* Encodes any frame but DATA and KEYS; text is cut at FRAME_TEXT_MAX. Returns its length. */
size_t frame_encode(const struct frame *f, uint8_t out[FRAME_SMALL_MAX]);
/* What goes before n bytes (1..FRAME_DATA_MAX) of guest output. */
#define FRAME_DATA_HEAD (FRAME_HEADER + 8u)
void frame_data_head(uint8_t out[FRAME_DATA_HEAD], uint64_t offset, size_t n, bool live);
/* What goes before n keys (1..FRAME_KEYS_MAX). */
void frame_keys_head(uint8_t out[FRAME_HEADER], size_t n);

#endif
