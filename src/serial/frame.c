#include "serial/frame.h"

#include <string.h>

#define HELLO_FIXED 24u

/* Every type's legal payload and flags: nothing is looked at before it has passed this table. */
struct frame_rule {
	const char *name;
	uint32_t min, max; /* of the payload */
	uint8_t flags;     /* allowed */
};

static const struct frame_rule rules[FRAME_TYPE_COUNT] = {
    /* At least what every version's begins with: another version is told so, and not that it is too short. */
    [FRAME_HELLO] = {"HELLO", 8, HELLO_FIXED + FRAME_TEXT_MAX, 0},
    [FRAME_WELCOME] = {"WELCOME", 32, 32, 0},
    [FRAME_DATA] = {"DATA", 9, 8 + FRAME_DATA_MAX, FRAME_LIVE},
    [FRAME_GAP] = {"GAP", 16, 16, 0},
    [FRAME_WHO] = {"WHO", 8, 8 + FRAME_TEXT_MAX, FRAME_MINE},
    [FRAME_KEYS] = {"KEYS", 1, FRAME_KEYS_MAX, 0},
    [FRAME_TAKE] = {"TAKE", 0, 0, 0},
    [FRAME_RELEASE] = {"RELEASE", 0, 0, 0},
    [FRAME_SIZE] = {"SIZE", 4, 4, 0},
    [FRAME_BYE] = {"BYE", 0, FRAME_TEXT_MAX, 0},
    [FRAME_NOTE] = {"NOTE", 24, 24, 0},
    [FRAME_ASK] = {"ASK", 0, 0, 0},
    [FRAME_ASKED] = {"ASKED", 0, FRAME_TEXT_MAX, 0},
    [FRAME_WATCHER] = {"WATCHER", 0, FRAME_TEXT_MAX, FRAME_MINE | FRAME_READER | FRAME_YOU},
};

static void put16(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)v;
	p[1] = (uint8_t)(v >> 8);
}

static void put32(uint8_t *p, uint32_t v)
{
	put16(p, (uint16_t)v);
	put16(p + 2, (uint16_t)(v >> 16));
}

static void put64(uint8_t *p, uint64_t v)
{
	put32(p, (uint32_t)v);
	put32(p + 4, (uint32_t)(v >> 32));
}

static uint16_t get16(const uint8_t *p)
{
	return (uint16_t)(p[0] | p[1] << 8);
}

static uint32_t get32(const uint8_t *p)
{
	return get16(p) | (uint32_t)get16(p + 2) << 16;
}

static uint64_t get64(const uint8_t *p)
{
	return get32(p) | (uint64_t)get32(p + 4) << 32;
}

static void text_get(struct frame *f, const uint8_t *p, size_t n)
{
	memcpy(f->text, p, n);
	f->text[n] = '\0';
}

/* [from, to) in the right order, and far from overflow. */
static int range_check(const struct frame *f, struct err *err)
{
	if (f->from <= f->to && f->to <= FRAME_OFFSET_MAX)
		return 0;
	return err_set(
	    err, ERR_INVALID, "console socket: %s with impossible offsets", rules[f->type].name);
}

static int hello_decode(struct frame *f, const uint8_t *p, uint32_t n, struct err *err)
{
	f->version = get32(p);
	f->want = get32(p + 4);
	if (f->version != FRAME_VERSION)
		return 0;
	if (n < HELLO_FIXED)
		return err_set(
		    err, ERR_INVALID, "console socket: HELLO of %u bytes is too short", n);
	f->run = get64(p + 8);
	f->from = f->to = get64(p + 16);
	text_get(f, p + HELLO_FIXED, n - HELLO_FIXED);
	return range_check(f, err);
}

static int payload_decode(struct frame *f, const uint8_t *p, uint32_t n, struct err *err)
{
	switch (f->type) {
	case FRAME_HELLO:
		return hello_decode(f, p, n, err);
	case FRAME_WELCOME:
		f->version = get32(p);
		f->from = get64(p + 8);
		f->to = get64(p + 16);
		f->run = get64(p + 24);
		return range_check(f, err);
	case FRAME_DATA:
		f->from = get64(p);
		f->bytes = p + 8;
		f->n = n - 8;
		f->to = f->from + f->n;
		return range_check(f, err);
	case FRAME_GAP:
		f->from = get64(p);
		f->to = get64(p + 8);
		return range_check(f, err);
	case FRAME_WHO:
		f->clients = get32(p);
		f->rows = get16(p + 4);
		f->cols = get16(p + 6);
		text_get(f, p + 8, n - 8);
		return 0;
	case FRAME_KEYS:
		f->bytes = p;
		f->n = n;
		return 0;
	case FRAME_SIZE:
		f->rows = get16(p);
		f->cols = get16(p + 2);
		return 0;
	case FRAME_NOTE:
		f->from = f->to = get64(p);
		f->time = get64(p + 8);
		f->kind = get32(p + 16);
		f->value = get32(p + 20);
		return range_check(f, err);
	case FRAME_BYE:
	case FRAME_ASKED:
	case FRAME_WATCHER:
		text_get(f, p, n);
		return 0;
	case FRAME_TAKE:
	case FRAME_RELEASE:
	case FRAME_ASK:
	case FRAME_TYPE_COUNT:
		return 0;
	}
	return 0;
}

long frame_decode(const uint8_t *p, size_t n, struct frame *f, struct err *err)
{
	const struct frame_rule *rule;
	uint32_t length;

	if (n < FRAME_HEADER)
		return 0;
	if (p[0] == 0 || p[0] >= FRAME_TYPE_COUNT)
		return err_set(err, ERR_INVALID, "console socket: frame of unknown type %u", p[0]);
	rule = &rules[p[0]];
	length = get32(p + 4);
	if ((p[1] & ~rule->flags) || get16(p + 2))
		return err_set(
		    err, ERR_INVALID, "console socket: %s with unknown flags", rule->name);
	if (length < rule->min || length > rule->max)
		return err_set(err, ERR_INVALID, "console socket: %s of %u bytes, must be %u to %u",
		    rule->name, length, rule->min, rule->max);
	if (n - FRAME_HEADER < length)
		return 0;
	f->type = p[0];
	f->flags = p[1];
	f->version = f->want = f->clients = 0;
	f->run = f->from = f->to = f->time = 0;
	f->kind = f->value = 0;
	f->rows = f->cols = 0;
	f->bytes = NULL;
	f->n = 0;
	f->text[0] = '\0';
	if (payload_decode(f, p + FRAME_HEADER, length, err) < 0)
		return -1;
	return (long)(FRAME_HEADER + length);
}

uint32_t frame_length(const uint8_t header[FRAME_HEADER])
{
	return get32(header + 4);
}

static void header_put(uint8_t *out, enum frame_type type, uint8_t flags, size_t length)
{
	out[0] = (uint8_t)type;
	out[1] = flags;
	put16(out + 2, 0);
	put32(out + 4, (uint32_t)length);
}

size_t frame_encode(const struct frame *f, uint8_t out[FRAME_SMALL_MAX])
{
	uint8_t *p = out + FRAME_HEADER;
	size_t text = strnlen(f->text, FRAME_TEXT_MAX), n = 0;

	switch (f->type) {
	case FRAME_HELLO:
		put32(p, f->version);
		put32(p + 4, f->want);
		put64(p + 8, f->run);
		put64(p + 16, f->from);
		memcpy(p + HELLO_FIXED, f->text, text);
		n = HELLO_FIXED + text;
		break;
	case FRAME_WELCOME:
		put32(p, f->version);
		put32(p + 4, 0);
		put64(p + 8, f->from);
		put64(p + 16, f->to);
		put64(p + 24, f->run);
		n = 32;
		break;
	case FRAME_NOTE:
		put64(p, f->from);
		put64(p + 8, f->time);
		put32(p + 16, f->kind);
		put32(p + 20, f->value);
		n = 24;
		break;
	case FRAME_GAP:
		put64(p, f->from);
		put64(p + 8, f->to);
		n = 16;
		break;
	case FRAME_WHO:
		put32(p, f->clients);
		put16(p + 4, f->rows);
		put16(p + 6, f->cols);
		memcpy(p + 8, f->text, text);
		n = 8 + text;
		break;
	case FRAME_SIZE:
		put16(p, f->rows);
		put16(p + 2, f->cols);
		n = 4;
		break;
	case FRAME_BYE:
	case FRAME_ASKED:
	case FRAME_WATCHER:
		memcpy(p, f->text, text);
		n = text;
		break;
	case FRAME_DATA:
	case FRAME_KEYS:
	case FRAME_TAKE:
	case FRAME_RELEASE:
	case FRAME_ASK:
	case FRAME_TYPE_COUNT:
		break;
	}
	header_put(out, f->type, f->flags, n);
	return FRAME_HEADER + n;
}

void frame_data_head(uint8_t out[FRAME_DATA_HEAD], uint64_t offset, size_t n, bool live)
{
	header_put(out, FRAME_DATA, live ? FRAME_LIVE : 0, 8 + n);
	put64(out + FRAME_HEADER, offset);
}

void frame_keys_head(uint8_t out[FRAME_HEADER], size_t n)
{
	header_put(out, FRAME_KEYS, 0, n);
}
