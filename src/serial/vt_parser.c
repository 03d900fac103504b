#include "serial/vt_parser.h"

#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "serial/vt_utf8.h"

enum state {
	GROUND,
	ESCAPE,
	ESCAPE_INTERMEDIATE,
	ESCAPE_IGNORE,
	CSI_ENTRY,
	CSI_PARAM,
	CSI_INTERMEDIATE,
	CSI_IGNORE,
	STRING,
	VT52_ROW,
	VT52_COL,
	STATES
};

enum action {
	NONE = 1, /* 0 would be an empty cell */
	PRINT,
	EXECUTE,
	CLEAR, /* enter ESC or CSI: forget parameters and intermediates */
	COLLECT,
	PREFIX,
	PARAM,
	ESC_DISPATCH,
	CSI_DISPATCH,
	CANCEL, /* CAN, SUB */
	STRING_START,
	STRING_PUT,
	STRING_BREAK, /* ESC inside a string */
	STRING_BELL,
	VT52_SET_ROW,
	VT52_SET_COL,
};

#define CELL(action, state) (uint16_t)((action) << 8 | (state))
#define ABOVE [0xA0]

/* C0 controls act in the middle of a sequence, which then goes on; CAN and SUB end it, ESC starts
 * another; DEL and C1 do nothing. */
#define CONTROLS(state)                                                                 \
	[0x00 ... 0x17] = CELL(EXECUTE, state), [0x18] = CELL(CANCEL, GROUND),          \
	          [0x19] = CELL(EXECUTE, state), [0x1A] = CELL(CANCEL, GROUND),         \
	          [0x1B] = CELL(CLEAR, ESCAPE), [0x1C ... 0x1F] = CELL(EXECUTE, state), \
	          [0x7F ... 0x9F] = CELL(NONE, state)

static const uint16_t table[STATES][VT_PARSER_CODES] = {
    [GROUND] = {CONTROLS(GROUND), [0x20 ... 0x7E] = CELL(PRINT, GROUND),
        ABOVE = CELL(PRINT, GROUND)},
    [ESCAPE] = {CONTROLS(ESCAPE), [0x20 ... 0x2F] = CELL(COLLECT, ESCAPE_INTERMEDIATE),
        [0x30 ... 0x4F] = CELL(ESC_DISPATCH, GROUND), [0x50] = CELL(STRING_START, STRING),
        [0x51 ... 0x57] = CELL(ESC_DISPATCH, GROUND), [0x58] = CELL(STRING_START, STRING),
        [0x59 ... 0x5A] = CELL(ESC_DISPATCH, GROUND), [0x5B] = CELL(CLEAR, CSI_ENTRY),
        [0x5C] = CELL(ESC_DISPATCH, GROUND), [0x5D ... 0x5F] = CELL(STRING_START, STRING),
        [0x60 ... 0x7E] = CELL(ESC_DISPATCH, GROUND), ABOVE = CELL(NONE, GROUND)},
    [ESCAPE_INTERMEDIATE] = {CONTROLS(ESCAPE_INTERMEDIATE),
        [0x20 ... 0x2F] = CELL(COLLECT, ESCAPE_INTERMEDIATE),
        [0x30 ... 0x7E] = CELL(ESC_DISPATCH, GROUND), ABOVE = CELL(NONE, GROUND)},
    [ESCAPE_IGNORE] = {CONTROLS(ESCAPE_IGNORE), [0x20 ... 0x2F] = CELL(NONE, ESCAPE_IGNORE),
        [0x30 ... 0x7E] = CELL(NONE, GROUND), ABOVE = CELL(NONE, GROUND)},
    [CSI_ENTRY] = {CONTROLS(CSI_ENTRY), [0x20 ... 0x2F] = CELL(COLLECT, CSI_INTERMEDIATE),
        [0x30 ... 0x3B] = CELL(PARAM, CSI_PARAM), [0x3C ... 0x3F] = CELL(PREFIX, CSI_PARAM),
        [0x40 ... 0x7E] = CELL(CSI_DISPATCH, GROUND), ABOVE = CELL(NONE, GROUND)},
    [CSI_PARAM] = {CONTROLS(CSI_PARAM), [0x20 ... 0x2F] = CELL(COLLECT, CSI_INTERMEDIATE),
        [0x30 ... 0x3B] = CELL(PARAM, CSI_PARAM), [0x3C ... 0x3F] = CELL(NONE, CSI_IGNORE),
        [0x40 ... 0x7E] = CELL(CSI_DISPATCH, GROUND), ABOVE = CELL(NONE, GROUND)},
    [CSI_INTERMEDIATE] = {CONTROLS(CSI_INTERMEDIATE),
        [0x20 ... 0x2F] = CELL(COLLECT, CSI_INTERMEDIATE), [0x30 ... 0x3F] = CELL(NONE, CSI_IGNORE),
        [0x40 ... 0x7E] = CELL(CSI_DISPATCH, GROUND), ABOVE = CELL(NONE, GROUND)},
    [CSI_IGNORE] = {CONTROLS(CSI_IGNORE), [0x20 ... 0x3F] = CELL(NONE, CSI_IGNORE),
        [0x40 ... 0x7E] = CELL(NONE, GROUND), ABOVE = CELL(NONE, GROUND)},
    /* Only what ends a string counts in it; other controls are dropped. */
    [STRING] = {[0x00 ... 0x06] = CELL(NONE, STRING),
        [0x07] = CELL(STRING_BELL, STRING),
        [0x08 ... 0x17] = CELL(NONE, STRING),
        [0x18] = CELL(CANCEL, GROUND),
        [0x19] = CELL(NONE, STRING),
        [0x1A] = CELL(CANCEL, GROUND),
        [0x1B] = CELL(STRING_BREAK, ESCAPE),
        [0x1C ... 0x1F] = CELL(NONE, STRING),
        [0x20 ... 0x7E] = CELL(STRING_PUT, STRING),
        [0x7F ... 0x9F] = CELL(NONE, STRING),
        ABOVE = CELL(STRING_PUT, STRING)},
    [VT52_ROW] = {CONTROLS(VT52_ROW), [0x20 ... 0x7E] = CELL(VT52_SET_ROW, VT52_COL),
        ABOVE = CELL(VT52_SET_ROW, VT52_COL)},
    [VT52_COL] = {CONTROLS(VT52_COL), [0x20 ... 0x7E] = CELL(VT52_SET_COL, GROUND),
        ABOVE = CELL(VT52_SET_COL, GROUND)},
};

unsigned vt_parser_states(void)
{
	return STATES;
}

uint16_t vt_parser_cell(unsigned state, unsigned code)
{
	return table[state][code];
}

void vt_parser_init(struct vt_parser *p, const struct vt_parser_ops *ops, void *arg)
{
	memset(p, 0, sizeof(*p));
	p->ops = ops;
	p->arg = arg;
}

void vt_parser_reset(struct vt_parser *p)
{
	p->state = GROUND;
	p->need = 0;
	p->string_open = false;
}

static void clear(struct vt_parser *p)
{
	p->csi.prefix = 0;
	p->csi.intermediates = 0;
	p->csi.params = 0;
	p->csi.colon = 0;
}

static void collect(struct vt_parser *p, uint8_t c)
{
	if (p->csi.intermediates == VT_INTERMEDIATES_MAX)
		p->state = p->state == CSI_INTERMEDIATE ? CSI_IGNORE : ESCAPE_IGNORE;
	else
		p->csi.intermediate[p->csi.intermediates++] = c;
}

/* Of the last parameter; of one too many it is dropped. */
static void digit(struct vt_csi *q, uint8_t c)
{
	if (q->params > VT_PARAMS_MAX)
		return;
	int *v = &q->param[q->params - 1];
	int sum = (*v < 0 ? 0 : *v) * 10 + (c - '0');
	*v = sum > VT_PARAM_VALUE_MAX ? VT_PARAM_VALUE_MAX : sum;
}

/* A digit, ';' or ':'. A separator opens the next parameter, left out until a digit comes. */
static void param(struct vt_parser *p, uint8_t c)
{
	struct vt_csi *q = &p->csi;
	if (q->params == 0)
		q->param[q->params++] = -1;
	if (c >= '0' && c <= '9') {
		digit(q, c);
		return;
	}
	if (q->params >= VT_PARAMS_MAX) {
		q->params = VT_PARAMS_MAX + 1; /* too many: what follows is dropped */
		return;
	}
	if (c == ':')
		q->colon |= 1u << q->params;
	q->param[q->params++] = -1;
}

static void string_start(struct vt_parser *p, uint32_t code)
{
	switch (code & 0x1F) {
	case 0x10:
		p->kind = VT_STRING_DCS;
		break;
	case 0x18:
		p->kind = VT_STRING_SOS;
		break;
	case 0x1D:
		p->kind = VT_STRING_OSC;
		break;
	case 0x1E:
		p->kind = VT_STRING_PM;
		break;
	default:
		p->kind = VT_STRING_APC;
		break;
	}
	p->string_len = 0;
	p->string_whole = true;
}

static void string_put(struct vt_parser *p, uint32_t cp)
{
	char bytes[4];
	size_t n = vt_utf8_encode(cp, bytes);
	if (!p->string_whole || p->string_len + n > VT_STRING_MAX) {
		p->string_whole = false;
		return;
	}
	memcpy(p->string + p->string_len, bytes, n);
	p->string_len += n;
}

static void string_end(struct vt_parser *p)
{
	p->ops->string(p->arg, p->kind, p->string, p->string_len, p->string_whole);
}

static void esc_dispatch(struct vt_parser *p, uint8_t final)
{
	bool ended = p->string_open && final == '\\' && p->csi.intermediates == 0;
	p->string_open = false;
	if (ended)
		string_end(p);
	else if (p->vt52 && final == 'Y')
		p->state = VT52_ROW;
	else
		p->ops->escape(p->arg, p->csi.intermediate, p->csi.intermediates, final);
}

static void csi_dispatch(struct vt_parser *p, uint8_t final)
{
	p->csi.final = final;
	if (p->csi.params > VT_PARAMS_MAX)
		p->csi.params = VT_PARAMS_MAX;
	p->ops->csi(p->arg, &p->csi);
}

static void string_action(struct vt_parser *p, enum action action, uint32_t cp)
{
	switch (action) {
	case STRING_START:
		p->string_open = false;
		string_start(p, cp);
		if (p->vt52)
			p->state = GROUND;
		break;
	case STRING_PUT:
		string_put(p, cp);
		break;
	case STRING_BREAK:
		clear(p);
		p->string_open = true;
		break;
	default: /* STRING_BELL: the end of an OSC, nothing in others */
		if (p->kind == VT_STRING_OSC) {
			p->state = GROUND;
			string_end(p);
		}
		break;
	}
}

static void print(struct vt_parser *p, uint32_t cp)
{
	p->string_open = false;
	if (cp < 0x80)
		p->ops->ascii(p->arg, &(uint8_t){(uint8_t)cp}, 1);
	else
		p->ops->text(p->arg, &cp, 1);
}

/* Forgets what came of a sequence; in VT52 mode there are no control sequences to begin. */
static void enter(struct vt_parser *p)
{
	p->string_open = false;
	clear(p);
	if (p->vt52 && p->state == CSI_ENTRY)
		p->state = GROUND;
}

/* One decoded code point through the table. The next state is set first: an action may go elsewhere. */
static void step(struct vt_parser *p, uint32_t cp)
{
	uint16_t cell = table[p->state][cp < 0xA0 ? cp : 0xA0];
	enum action action = (enum action)(cell >> 8);
	p->state = (uint8_t)(cell & 0xFF);
	switch (action) {
	case NONE:
		break;
	case PRINT:
		print(p, cp);
		break;
	case EXECUTE:
		p->ops->control(p->arg, (uint8_t)cp);
		break;
	case CANCEL:
		p->string_open = false;
		p->ops->control(p->arg, (uint8_t)cp);
		break;
	case CLEAR:
		enter(p);
		break;
	case COLLECT:
		collect(p, (uint8_t)cp);
		break;
	case PREFIX:
		p->csi.prefix = (uint8_t)cp;
		break;
	case PARAM:
		param(p, (uint8_t)cp);
		break;
	case ESC_DISPATCH:
		esc_dispatch(p, (uint8_t)cp);
		break;
	case CSI_DISPATCH:
		csi_dispatch(p, (uint8_t)cp);
		break;
	case STRING_START:
	case STRING_PUT:
	case STRING_BREAK:
	case STRING_BELL:
		string_action(p, action, cp);
		break;
	case VT52_SET_ROW:
		p->vt52_row = (int)cp - 0x20;
		break;
	case VT52_SET_COL:
		p->ops->vt52_address(p->arg, p->vt52_row, (int)cp - 0x20);
		break;
	}
}

/* --- UTF-8
 * ---------------------------------------------------------------------------------------- */

#define REPLACEMENT 0xFFFD

/* Starts a sequence with a byte from 0x80 on; false: none starts so. The second byte's bounds leave
 * out overlong forms, surrogates and what lies above U+10FFFF (Unicode, table 3-7). */
static bool utf8_lead(struct vt_parser *p, uint8_t b)
{
	if (b < 0xC2 || b > 0xF4)
		return false;
	p->need = b < 0xE0 ? 1 : b < 0xF0 ? 2 : 3;
	p->cp = b & (0x3Fu >> p->need);
	p->low = b == 0xE0 ? 0xA0 : b == 0xF0 ? 0x90 : 0x80;
	p->high = b == 0xED ? 0x9F : b == 0xF4 ? 0x8F : 0xBF;
	return true;
}

/* Takes the next byte of a sequence if it can be that. */
static bool utf8_continues(struct vt_parser *p, uint8_t b)
{
	if (b < p->low || b > p->high)
		return false;
	p->cp = p->cp << 6 | (b & 0x3Fu);
	p->need--;
	p->low = 0x80;
	p->high = 0xBF;
	return true;
}

/* Takes bytes at d while they make text from U+00A0 on, as runs; stops at the first that does not.
 * In GROUND only. */
static const uint8_t *feed_text(struct vt_parser *p, const uint8_t *d, const uint8_t *end)
{
	uint32_t run[VT_RUN_MAX];
	size_t n = 0;
	while (d < end && (*d >= 0x80 || p->need)) {
		uint32_t cp = REPLACEMENT;
		if (p->need == 0) {
			if (utf8_lead(p, *d++))
				continue;
		} else if (utf8_continues(p, *d)) {
			d++;
			if (p->need)
				continue;
			cp = p->cp;
		} else {
			p->need = 0; /* the byte starts anew */
		}
		if (cp < 0xA0) {
			if (n)
				p->ops->text(p->arg, run, n);
			step(p, cp);
			return d;
		}
		run[n++] = cp;
		if (n == VT_RUN_MAX) {
			p->ops->text(p->arg, run, n);
			n = 0;
		}
	}
	if (n)
		p->ops->text(p->arg, run, n);
	return d;
}

/* Parameters of a control sequence, as the table has them, without a turn through it for each digit. */
static const uint8_t *feed_params(struct vt_parser *p, const uint8_t *d, const uint8_t *end)
{
	struct vt_csi *q = &p->csi;
	p->state = CSI_PARAM;
	while (d < end && *d >= '0' && *d <= ';') {
		if (q->params == 0 || *d > '9') {
			param(p, *d++);
			continue;
		}
		while (d < end && *d >= '0' && *d <= '9')
			digit(q, *d++);
	}
	return d;
}

/* From ESC '[' on in GROUND, the same way, to the final if it is there; not in VT52 mode, which knows
 * no control sequences. */
static const uint8_t *feed_csi(struct vt_parser *p, const uint8_t *d, const uint8_t *end)
{
	p->string_open = false;
	clear(p);
	p->state = CSI_ENTRY;
	d += 2;
	if (d < end && *d >= '0' && *d <= ';')
		d = feed_params(p, d, end);
	if (d < end && *d >= 0x40 && *d < 0x7F) {
		p->state = GROUND;
		csi_dispatch(p, *d++);
	}
	return d;
}

/* One byte, or the end of a broken sequence before it, outside GROUND. */
static const uint8_t *feed_other(struct vt_parser *p, const uint8_t *d)
{
	if (p->need == 0) {
		if (*d < 0x80)
			step(p, *d);
		else if (!utf8_lead(p, *d))
			step(p, REPLACEMENT);
		return d + 1;
	}
	if (!utf8_continues(p, *d)) {
		p->need = 0;
		step(p, REPLACEMENT);
		return d;
	}
	if (p->need == 0)
		step(p, p->cp);
	return d + 1;
}

/* How many bytes from d on are printable ASCII. */
static size_t ascii_run(const uint8_t *d, size_t n)
{
	size_t i = 0;
#ifdef __SSE2__
	const __m128i below = _mm_set1_epi8(0x1F), del = _mm_set1_epi8(0x7F);
	for (; i + 16 <= n; i += 16) {
		__m128i v = _mm_loadu_si128((const __m128i *)(const void *)(d + i));
		/* signed: bytes from 0x80 on are below 0x20 as well */
		__m128i ok = _mm_andnot_si128(_mm_cmpeq_epi8(v, del), _mm_cmpgt_epi8(v, below));
		unsigned mask = (unsigned)_mm_movemask_epi8(ok) ^ 0xFFFFu;
		if (mask)
			return i + (unsigned)__builtin_ctz(mask);
	}
#endif
	while (i < n && d[i] >= 0x20 && d[i] < 0x7F)
		i++;
	return i;
}

void vt_parser_feed(struct vt_parser *p, const uint8_t *data, size_t n)
{
	const uint8_t *d = data, *end = data + n;
	while (d < end) {
		bool params = (p->state == CSI_PARAM || p->state == CSI_ENTRY) && p->need == 0;
		if (params && *d >= '0' && *d <= ';') {
			d = feed_params(p, d, end);
			continue;
		}
		if (p->state != GROUND) {
			d = feed_other(p, d);
			continue;
		}
		if (*d >= 0x80 || p->need) {
			d = feed_text(p, d, end);
			continue;
		}
		size_t run = ascii_run(d, (size_t)(end - d));
		if (run) {
			p->ops->ascii(p->arg, d, run);
			d += run;
		} else if (*d < 0x20 && *d != 0x1B) {
			p->ops->control(p->arg, *d++);
		} else if (end - d > 2 && d[0] == 0x1B && d[1] == '[' && !p->vt52) {
			d = feed_csi(p, d, end);
		} else {
			step(p, *d++);
		}
	}
}
