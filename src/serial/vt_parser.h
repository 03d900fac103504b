/* vt_parser: bytes → actions, by the DEC/ECMA-48 state machine as a table (after Paul Williams'
 * diagram, vt100.net/emu/dec_ansi_parser), behind a UTF-8 decoder. Owner: whoever embeds it.
 * Allocates nothing.
 *
 * Bytes are decoded first, in every state. C1 controls, U+0080..U+009F, do nothing, and a bare byte
 * 0x80..0x9F is broken UTF-8, U+FFFD: so does xterm in UTF-8 mode. Of a broken sequence each maximal
 * part that could have begun a character becomes one U+FFFD, and so does each byte that could not, as
 * the Unicode Standard recommends (chapter 3.9, U+FFFD Substitution of Maximal Subparts). Inside an escape or control sequence a character from U+00A0 on ends the
 * sequence and is lost. A DCS is a string like the others: its own parameters are parsed by whoever
 * handles it. */
#ifndef SERIAL_VT_PARSER_H
#define SERIAL_VT_PARSER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VT_PARAMS_MAX 32         /* more are ignored */
#define VT_PARAM_VALUE_MAX 65535 /* xterm's MAX_I_PARAM; larger values are cut to it */
#define VT_INTERMEDIATES_MAX 2   /* a sequence with more is swallowed */
#define VT_STRING_MAX 1024 /* bytes kept of an OSC, DCS, APC, PM or SOS; the rest is swallowed */
#define VT_RUN_MAX 128     /* code points handed over at once */

/* A control sequence. */
struct vt_csi {
	uint8_t prefix;        /* '<' '=' '>' '?' or 0 */
	uint8_t intermediates; /* how many; more than VT_INTERMEDIATES_MAX never arrives */
	uint8_t intermediate[VT_INTERMEDIATES_MAX];
	uint8_t final;
	uint8_t params; /* how many */
	uint32_t colon; /* bit i: parameter i follows a colon, a sub-parameter of the ones before */
	int param[VT_PARAMS_MAX]; /* -1: left out */
};

enum vt_string { VT_STRING_OSC, VT_STRING_DCS, VT_STRING_APC, VT_STRING_PM, VT_STRING_SOS };

struct vt_parser_ops {
	/* A run of printable ASCII, 0x20..0x7E. */
	void (*ascii)(void *arg, const uint8_t *p, size_t n);
	/* A run of code points from U+00A0 on; at most VT_RUN_MAX. */
	void (*text)(void *arg, const uint32_t *cp, size_t n);
	/* C0 other than ESC, CAN and SUB inside sequences. */
	void (*control)(void *arg, uint8_t c);

	void (*escape)(void *arg, const uint8_t *intermediate, unsigned n, uint8_t final);
	void (*csi)(void *arg, const struct vt_csi *c);
	/* A string that came to its proper end; whole: nothing of it was cut off. */
	void (*string)(void *arg, enum vt_string kind, const uint8_t *p, size_t n, bool whole);
	/* VT52's direct cursor address, ESC Y row col: 0-based, may be out of range. */
	void (*vt52_address)(void *arg, int row, int col);
};

struct vt_parser {
	const struct vt_parser_ops *ops;
	void *arg;
	uint8_t state;
	bool vt52; /* ESC sequences as a VT52 has them; set by the owner (DECANM) */
	/* UTF-8 decoder: bytes still to come, which the next one may be, value so far. */
	uint8_t need, low, high;
	uint32_t cp;
	struct vt_csi csi; /* its intermediates serve ESC sequences too */
	enum vt_string kind;
	bool string_open; /* ESC came inside a string: '\' would end it properly */
	int vt52_row;
	bool string_whole;
	size_t string_len;
	uint8_t string[VT_STRING_MAX];
};

/* ops is borrowed; every callback must be set. */
void vt_parser_init(struct vt_parser *p, const struct vt_parser_ops *ops, void *arg);
void vt_parser_feed(struct vt_parser *p, const uint8_t *data, size_t n);
/* Forgets a half-received sequence and character. */
void vt_parser_reset(struct vt_parser *p);

/* Parameter i, def when left out or zero; never above VT_PARAM_VALUE_MAX. */
static inline int vt_csi_arg(const struct vt_csi *c, unsigned i, int def)
{
	return i < c->params && c->param[i] > 0 ? c->param[i] : def;
}
/* Parameter i, def when left out; zero counts. */
static inline int vt_csi_arg0(const struct vt_csi *c, unsigned i, int def)
{
	return i < c->params && c->param[i] >= 0 ? c->param[i] : def;
}

/* For the test that no cell of the table is empty. */
#define VT_PARSER_CODES 0xA1 /* U+0000..U+009F, and one for all above */
unsigned vt_parser_states(void);
uint16_t vt_parser_cell(unsigned state, unsigned code);

#endif
