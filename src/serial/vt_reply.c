#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "serial/vt_state.h"

/* What we claim to be: a VT420 with selective erase (6), horizontal scrolling (21), colour (22),
 * rectangles (28). The version is that of the xterm whose SGR mouse programs look for. */
#define DA1 "\033[?64;6;21;22;28c"
#define DA2 "\033[>41;279;0c"
#define DA3 "\033P!|00000000\033\\"
#define REPLY_MAX 160

void vt_reply_bytes(struct vt_screen *s, const char *text)
{
	if (s->answer && s->ops && s->ops->reply)
		s->ops->reply(s->arg, (const uint8_t *)text, strlen(text));
}

static void reply(struct vt_screen *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void reply(struct vt_screen *s, const char *fmt, ...)
{
	char text[REPLY_MAX];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	vt_reply_bytes(s, text);
}

void vt_reply_attributes(struct vt_screen *s, const struct vt_csi *c)
{
	if (vt_csi_arg(c, 0, 0) != 0)
		return;
	vt_reply_bytes(s, c->prefix == '>' ? DA2 : c->prefix == '=' ? DA3 : DA1);
}

void vt_reply_status(struct vt_screen *s, const struct vt_csi *c)
{
	const char *mark = c->prefix == '?' ? "?" : "";
	bool origin = vt_mode(s, VT_M_DECOM);
	int row = s->row + 1 - (origin ? s->top : 0), col = s->col + 1 - (origin ? vt_left(s) : 0);
	switch (vt_csi_arg(c, 0, 0)) {
	case 5:
		if (!c->prefix)
			reply(s, "\033[0n");
		break;
	case 6:
		reply(s, c->prefix ? "\033[%s%d;%d;1R" : "\033[%s%d;%dR", mark, row, col);
		break;
	case 15: /* printer: none */
		if (c->prefix)
			reply(s, "\033[?13n");
		break;
	case 25: /* user-defined keys: locked */
		if (c->prefix)
			reply(s, "\033[?21n");
		break;
	case 26: /* keyboard: North American, ready, PCXAL */
		if (c->prefix)
			reply(s, "\033[?27;1;0;0n");
		break;
	}
}

void vt_reply_parameters(struct vt_screen *s, const struct vt_csi *c)
{
	int v = vt_csi_arg0(c, 0, 0);
	if (v <= 1) /* no parity, 8 bits, 38400 bit/s both ways */
		reply(s, "\033[%d;1;1;128;128;1;0x", v + 2);
}

void vt_reply_window(struct vt_screen *s, const struct vt_csi *c)
{
	if (vt_csi_arg0(c, 0, 0) == 18)
		reply(s, "\033[8;%d;%dt", s->rows, s->cols);
}

void vt_reply_setting(struct vt_screen *s, const uint8_t *what, size_t n)
{
	char sgr[VT_SGR_TEXT_MAX];
	if (n == 1 && what[0] == 'm') {
		vt_sgr_text(&s->pen, sgr);
		reply(s, "\033P1$r%sm\033\\", sgr);
	} else if (n == 1 && what[0] == 'r') {
		reply(s, "\033P1$r%d;%dr\033\\", s->top + 1, s->bottom + 1);
	} else if (n == 1 && what[0] == 's') {
		reply(s, "\033P1$r%d;%ds\033\\", s->left + 1, s->right + 1);
	} else if (n == 2 && memcmp(what, "\"p", 2) == 0) {
		reply(s, "\033P1$r%d;1\"p\033\\", s->level);
	} else if (n == 2 && memcmp(what, "\"q", 2) == 0) {
		reply(s, "\033P1$r%d\"q\033\\",
		    s->pen.attrs & VT_PROTECTED && !s->iso_protection ? 1 : 0);
	} else if (n == 2 && memcmp(what, " q", 2) == 0) {
		reply(s, "\033P1$r%d q\033\\", s->cursor_style);
	} else if (n == 2 && memcmp(what, "*x", 2) == 0) {
		reply(s, "\033P1$r%d*x\033\\", s->exact_rect ? 2 : 1);
	} else {
		reply(s, "\033P0$r\033\\");
	}
}
