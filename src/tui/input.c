#include "tui/input.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <termkey.h>

#include "core/buf.h"
#include "core/mem.h"
#include "core/str.h"

#define PASTE_BEGIN "\033[200~"
#define PASTE_END "\033[201~"
#define PASTE_MARK 6
#define MOUSE_BEGIN "\033[<"
#define MOUSE_MARK 3
#define PASTE_LOST_MS \
	2000 /* silence after which a few bytes are a person at the keys, not the paste's rest … */
#define PASTE_LOST_BYTES 8 /* … which would come in larger pieces */

struct input {
	const struct input_ops *ops;
	void *arg;
	TermKey *tk;
	struct buf in;   /* not yet looked at */
	uint64_t fed_ms; /* when bytes came last */
	bool pasting;
	bool blocked;       /* somebody said: no more now */
	struct vt_key held; /* the key that was refused */
	bool has_held;
	struct event *timer;
};

static const struct {
	int sym;
	enum vt_key_sym key;
} syms[] = {
    {TERMKEY_SYM_BACKSPACE, VT_KEY_BACKSPACE},
    {TERMKEY_SYM_DEL, VT_KEY_BACKSPACE},
    {TERMKEY_SYM_TAB, VT_KEY_TAB},
    {TERMKEY_SYM_ENTER, VT_KEY_ENTER},
    {TERMKEY_SYM_ESCAPE, VT_KEY_ESCAPE},
    {TERMKEY_SYM_UP, VT_KEY_UP},
    {TERMKEY_SYM_DOWN, VT_KEY_DOWN},
    {TERMKEY_SYM_LEFT, VT_KEY_LEFT},
    {TERMKEY_SYM_RIGHT, VT_KEY_RIGHT},
    {TERMKEY_SYM_INSERT, VT_KEY_INSERT},
    {TERMKEY_SYM_DELETE, VT_KEY_DELETE},
    {TERMKEY_SYM_PAGEUP, VT_KEY_PGUP},
    {TERMKEY_SYM_PAGEDOWN, VT_KEY_PGDN},
    {TERMKEY_SYM_HOME, VT_KEY_HOME},
    {TERMKEY_SYM_END, VT_KEY_END},
    {TERMKEY_SYM_FIND, VT_KEY_HOME},
    {TERMKEY_SYM_SELECT, VT_KEY_END},
    {TERMKEY_SYM_KP0, VT_KEY_KP_0},
    {TERMKEY_SYM_KP1, VT_KEY_KP_1},
    {TERMKEY_SYM_KP2, VT_KEY_KP_2},
    {TERMKEY_SYM_KP3, VT_KEY_KP_3},
    {TERMKEY_SYM_KP4, VT_KEY_KP_4},
    {TERMKEY_SYM_KP5, VT_KEY_KP_5},
    {TERMKEY_SYM_KP6, VT_KEY_KP_6},
    {TERMKEY_SYM_KP7, VT_KEY_KP_7},
    {TERMKEY_SYM_KP8, VT_KEY_KP_8},
    {TERMKEY_SYM_KP9, VT_KEY_KP_9},
    {TERMKEY_SYM_KPENTER, VT_KEY_KP_ENTER},
    {TERMKEY_SYM_KPPLUS, VT_KEY_KP_PLUS},
    {TERMKEY_SYM_KPMINUS, VT_KEY_KP_MINUS},
    {TERMKEY_SYM_KPMULT, VT_KEY_KP_MULT},
    {TERMKEY_SYM_KPDIV, VT_KEY_KP_DIV},
    {TERMKEY_SYM_KPCOMMA, VT_KEY_KP_COMMA},
    {TERMKEY_SYM_KPPERIOD, VT_KEY_KP_PERIOD},
    {TERMKEY_SYM_KPEQUALS, VT_KEY_KP_EQUALS},
};

static bool convert(const TermKeyKey *tk, struct vt_key *k)
{
	memset(k, 0, sizeof(*k));
	k->mods = (tk->modifiers & TERMKEY_KEYMOD_SHIFT ? VT_MOD_SHIFT : 0u) |
	          (tk->modifiers & TERMKEY_KEYMOD_ALT ? VT_MOD_ALT : 0u) |
	          (tk->modifiers & TERMKEY_KEYMOD_CTRL ? VT_MOD_CTRL : 0u);
	switch (tk->type) {
	case TERMKEY_TYPE_UNICODE:
		if (tk->code.codepoint == 0xfffd)
			return false; /* broken UTF-8 */
		k->cp = (uint32_t)tk->code.codepoint;
		return true;
	case TERMKEY_TYPE_FUNCTION:
		if (tk->code.number < 1 || tk->code.number > 20)
			return false;
		k->sym = (enum vt_key_sym)(VT_KEY_F1 + tk->code.number - 1);
		return true;
	case TERMKEY_TYPE_KEYSYM:
		if (tk->code.sym == TERMKEY_SYM_SPACE) {
			k->cp = ' ';
			return true;
		}
		for (size_t i = 0; i < ARRAY_LEN(syms); i++) {
			if (syms[i].sym == (int)tk->code.sym) {
				k->sym = syms[i].key;
				return true;
			}
		}
		return false;
	default:
		return false; /* answers of the terminal, mouse, unknown sequences */
	}
}

/* Hands on every key that libtermkey has whole; false when the reader wants no more. */
static bool drain_keys(struct input *in, bool force)
{
	TermKeyKey tk;
	struct vt_key k;
	while ((force ? termkey_getkey_force(in->tk, &tk) : termkey_getkey(in->tk, &tk)) ==
	       TERMKEY_RES_KEY) {
		if (!convert(&tk, &k))
			continue;
		if (!in->ops->key(in->arg, &k)) {
			in->held = k;
			in->has_held = in->blocked = true;
			return false;
		}
	}
	return true;
}

/* How many bytes at the end of p could be the start of a mark. */
static size_t tail_of_mark(const char *p, size_t n, const char *mark)
{
	for (size_t k = n < PASTE_MARK - 1 ? n : PASTE_MARK - 1; k > 0; k--)
		if (!memcmp(p + n - k, mark, k))
			return k;
	return 0;
}

/* Takes bytes up to a mark, or all but a possible start of one. Returns how many were taken; *done: the mark came. */
static size_t before_mark(const struct input *in, const char *mark, bool *done)
{
	const char *at = memmem(in->in.data, in->in.len, mark, PASTE_MARK);
	*done = at != NULL;
	if (at)
		return (size_t)(at - in->in.data);
	return in->in.len - tail_of_mark(in->in.data, in->in.len, mark);
}

/* The longest start of p that cuts no character in half; all of it when there is none. */
static size_t whole_chars(const char *p, size_t n)
{
	size_t at = n;
	while (at > 0 && n - at < 4 && ((unsigned char)p[at - 1] & 0xc0) == 0x80)
		at--;
	if (at > 0 && ((unsigned char)p[at - 1] & 0xc0) == 0xc0) {
		unsigned lead = (unsigned char)p[at - 1];
		size_t want = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
		if (n - at + 1 < want && at > 1)
			return at - 1;
	}
	return n;
}

static void paste_ended(struct input *in)
{
	in->pasting = false;
	if (in->ops->pasted)
		in->ops->pasted(in->arg);
}

static bool step_paste(struct input *in)
{
	bool done;
	size_t n = before_mark(in, PASTE_END, &done);
	if (!done)
		n = whole_chars(in->in.data, n);
	if (n && !in->ops->paste(in->arg, in->in.data, n)) {
		in->blocked = true;
		return false;
	}
	buf_consume(&in->in, n);
	if (!done)
		return false;
	buf_consume(&in->in, PASTE_MARK);
	paste_ended(in);
	return true;
}

/* --- mouse --- */

/* A number of at most 9999 and what follows it; false: there is none. */
static bool number(const char **p, const char *end, unsigned *out)
{
	const char *from = *p;
	*out = 0;
	while (*p < end && *p - from < 4 && **p >= '0' && **p <= '9')
		*out = *out * 10 + (unsigned)(*(*p)++ - '0');
	return *p > from;
}

/* "\033[<0;12;3M", as xterm codes it on request (1006). Bytes that it takes; 0: it is not whole; -1: it is no event.
 * libtermkey would know it, but where terminfo has the start of it for a key of its own it takes three bytes behind that. */
static long mouse_decode(const char *p, size_t n, struct vt_mouse *e)
{
	const char *at = p + MOUSE_MARK, *end = p + n;
	unsigned v[3];
	for (int i = 0; i < 3; i++) {
		if (at == end)
			return 0;
		if (!number(&at, end, &v[i]))
			return -1;
		if (at == end)
			return 0;
		if (i < 2 && *at++ != ';')
			return -1;
	}
	if ((*at != 'M' && *at != 'm') || v[1] < 1 || v[2] < 1)
		return -1;
	e->button = v[0] & ~0x3cu;
	e->motion = (v[0] & 0x20) != 0;
	e->mods = (v[0] & 4 ? VT_MOD_SHIFT : 0u) | (v[0] & 8 ? VT_MOD_ALT : 0u) |
	          (v[0] & 16 ? VT_MOD_CTRL : 0u);
	e->release = *at == 'm';
	e->col = v[1] - 1;
	e->row = v[2] - 1;
	return at + 1 - p;
}

static bool step_mouse(struct input *in)
{
	struct vt_mouse e;
	long took = mouse_decode(in->in.data, in->in.len, &e);
	if (took == 0)
		return false;
	buf_consume(&in->in, took > 0 ? (size_t)took : MOUSE_MARK);
	if (took > 0 && in->ops->mouse)
		in->ops->mouse(in->arg, &e);
	return true;
}

static bool at_mouse(const struct input *in)
{
	return in->in.len >= MOUSE_MARK && !memcmp(in->in.data, MOUSE_BEGIN, MOUSE_MARK);
}

/* --- keys --- */

static bool step_keys(struct input *in)
{
	bool done;
	size_t n = before_mark(in, PASTE_BEGIN, &done), took;
	const char *mouse = memmem(in->in.data, in->in.len, MOUSE_BEGIN, MOUSE_MARK);
	if (mouse && (size_t)(mouse - in->in.data) < n) {
		n = (size_t)(mouse - in->in.data);
		done = false;
	}
	while (n) {
		took = termkey_push_bytes(in->tk, in->in.data, n);
		if (took == (size_t)-1)
			took = 0;
		buf_consume(&in->in, took);
		n -= took;
		if (!drain_keys(in, false))
			return false;
		if (!took && !drain_keys(in, true))
			return false;
	}
	if (at_mouse(in))
		return drain_keys(in, true) && step_mouse(in);
	if (!done)
		return false;
	drain_keys(in, true);
	buf_consume(&in->in, PASTE_MARK);
	in->pasting = true;
	return true;
}

static void arm(struct input *in)
{
	struct timeval tv = {.tv_usec = INPUT_ESCAPE_MS * 1000};
	size_t room = termkey_get_buffer_size(in->tk) - termkey_get_buffer_remaining(in->tk);
	/* The rest of a mouse's event that is cut on a slow link must not become keys. */
	if (!in->blocked && !in->pasting && !at_mouse(in) && (in->in.len || room))
		event_add(in->timer, &tv);
	else
		event_del(in->timer);
}

static void run(struct input *in)
{
	while (in->in.len && !in->blocked && (in->pasting ? step_paste(in) : step_keys(in)))
		;
	arm(in);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct input *in = arg;
	(void)fd, (void)what;
	/* What looked like the start of a sequence was all there is. */
	if (in->in.len) {
		size_t took = termkey_push_bytes(in->tk, in->in.data, in->in.len);
		if (took != (size_t)-1)
			buf_consume(&in->in, took);
	}
	drain_keys(in, true);
	arm(in);
}

/* The end mark of a paste can get lost on the way. Then every key, Ctrl+] among them, would be swallowed for ever. */
static void mend_paste(struct input *in, size_t n)
{
	uint64_t now = loop_now_ms();
	if (in->pasting && !in->blocked && n <= PASTE_LOST_BYTES &&
	    now - in->fed_ms > PASTE_LOST_MS) {
		paste_ended(in);
		buf_clear(&in->in); /* at most the start of a mark that never came whole */
	}
	in->fed_ms = now;
}

void input_feed(struct input *in, const uint8_t *p, size_t n)
{
	mend_paste(in, n);
	buf_add(&in->in, p, n);
	if (!in->blocked)
		run(in);
}

void input_continue(struct input *in)
{
	in->blocked = false;
	if (in->has_held) {
		in->has_held = false;
		if (!in->ops->key(in->arg, &in->held)) {
			in->has_held = in->blocked = true;
			return;
		}
		if (!drain_keys(in, false))
			return;
	}
	run(in);
}

bool input_blocked(const struct input *in)
{
	return in->blocked;
}

struct input *input_new(struct loop *l, const struct input_ops *ops, void *arg)
{
	const char *term = getenv("TERM");
	struct input *in = xcalloc(1, sizeof(*in));
	in->ops = ops;
	in->arg = arg;
	/* Always UTF-8: what is typed in a C locale over a UTF-8 terminal reaches the guest as it was typed. */
	in->tk = termkey_new_abstract(
	    term && *term ? term : "vt100", TERMKEY_FLAG_UTF8 | TERMKEY_FLAG_NOTERMIOS);
	if (!in->tk)
		in->tk = termkey_new_abstract("vt100", TERMKEY_FLAG_UTF8 | TERMKEY_FLAG_NOTERMIOS);
	if (!in->tk) {
		free(in);
		return NULL;
	}
	in->timer = evtimer_new(loop_base(l), on_timer, in);
	return in;
}

void input_free(struct input *in)
{
	if (!in)
		return;
	event_free(in->timer);
	termkey_destroy(in->tk);
	buf_fini(&in->in);
	free(in);
}

static const struct {
	enum vt_key_sym sym;
	const char *name;
} names[] = {
    {VT_KEY_UP, "Up"},
    {VT_KEY_DOWN, "Down"},
    {VT_KEY_RIGHT, "Right"},
    {VT_KEY_LEFT, "Left"},
    {VT_KEY_HOME, "Home"},
    {VT_KEY_END, "End"},
    {VT_KEY_PGUP, "PgUp"},
    {VT_KEY_PGDN, "PgDn"},
    {VT_KEY_INSERT, "Insert"},
    {VT_KEY_DELETE, "Delete"},
    {VT_KEY_BACKSPACE, "Backspace"},
    {VT_KEY_TAB, "Tab"},
    {VT_KEY_ENTER, "Enter"},
    {VT_KEY_ESCAPE, "Esc"},
    {VT_KEY_KP_ENTER, "Enter"},
};

void input_key_name(const struct vt_key *k, char *out, size_t n)
{
	char base[16] = "?";
	const char *mods[8] = {"", "Shift+", "Alt+", "Alt+Shift+", "Ctrl+", "Ctrl+Shift+",
	    "Ctrl+Alt+", "Ctrl+Alt+Shift+"};
	if (k->sym >= VT_KEY_F1 && k->sym <= VT_KEY_F20)
		snprintf(base, sizeof(base), "F%d", (int)(k->sym - VT_KEY_F1) + 1);
	else if (k->sym == VT_KEY_CHAR && k->cp == ' ')
		snprintf(base, sizeof(base), "Space");
	else if (k->sym == VT_KEY_CHAR && k->cp > ' ' && k->cp < 0x7f)
		snprintf(base, sizeof(base), "%c",
		    (k->mods & VT_MOD_CTRL) && k->cp >= 'a' && k->cp <= 'z' ? (char)(k->cp - 32)
		                                                            : (char)k->cp);
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (names[i].sym == k->sym)
			snprintf(base, sizeof(base), "%s", names[i].name);
	snprintf(out, n, "%s%s", mods[k->mods & 7], base);
}

static const char *skip_mod(const char *s, unsigned *mods)
{
	static const struct {
		const char *word;
		unsigned mod;
	} words[] = {{"Ctrl+", VT_MOD_CTRL}, {"C-", VT_MOD_CTRL}, {"^", VT_MOD_CTRL},
	    {"Alt+", VT_MOD_ALT}, {"M-", VT_MOD_ALT}, {"Shift+", VT_MOD_SHIFT},
	    {"S-", VT_MOD_SHIFT}};
	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		size_t n = strlen(words[i].word);
		if (!strncasecmp(s, words[i].word, n) && s[n]) {
			*mods |= words[i].mod;
			return s + n;
		}
	}
	return s;
}

int input_key_parse(const char *s, struct vt_key *k)
{
	uint64_t n;
	const char *next;
	memset(k, 0, sizeof(*k));
	while ((next = skip_mod(s, &k->mods)) != s)
		s = next;
	if ((s[0] == 'F' || s[0] == 'f') && str_u64(s + 1, 20, &n) == 0 && n >= 1) {
		k->sym = (enum vt_key_sym)(VT_KEY_F1 + (int)n - 1);
		return 0;
	}
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		if (!strcasecmp(s, names[i].name)) {
			k->sym = names[i].sym;
			return 0;
		}
	}
	if (!strcasecmp(s, "Space")) {
		k->cp = ' ';
		return 0;
	}
	if (s[0] > ' ' && s[0] < 0x7f && !s[1]) {
		k->cp = (uint32_t)s[0];
		if ((k->mods & VT_MOD_CTRL) && k->cp >= 'A' && k->cp <= 'Z')
			k->cp += 32;
		return 0;
	}
	return -1;
}
