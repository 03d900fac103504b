#include <stdio.h>
#include <string.h>

#include "serial/vt_state.h"

/* The only answers a guest gets: fixed ones, and the place of the cursor. What a guest could choose,
 * a title, an attribute, a mode, is never said back to it: it would be typed into whatever reads its
 * terminal. So there is no DECRQSS, DECRQM, DECRQCRA, and no report of the window. */

/* What we claim to be: a VT420 with selective erase (6), horizontal scrolling (21), colour (22),
 * rectangles (28). The version is that of the xterm whose SGR mouse programs look for. */
#define DA1 "\033[?64;6;21;22;28c"
#define DA2 "\033[>41;279;0c"
#define DA3 "\033P!|00000000\033\\"

void vt_reply_bytes(struct vt_screen *s, const char *text)
{
	if (s->answer && s->ops && s->ops->reply)
		s->ops->reply(s->arg, (const uint8_t *)text, strlen(text));
}

void vt_reply_attributes(struct vt_screen *s, const struct vt_csi *c)
{
	if (vt_csi_arg(c, 0, 0) != 0)
		return;
	vt_reply_bytes(s, c->prefix == '>' ? DA2 : c->prefix == '=' ? DA3 : DA1);
}

void vt_reply_status(struct vt_screen *s, const struct vt_csi *c)
{
	bool origin = vt_mode(s, VT_M_DECOM);
	int row = s->row + 1 - (origin ? s->top : 0), col = s->col + 1 - (origin ? vt_left(s) : 0);
	char text[40];
	switch (vt_csi_arg(c, 0, 0)) {
	case 5:
		if (!c->prefix)
			vt_reply_bytes(s, "\033[0n");
		break;
	case 6: /* the page, always the first, is told with DECXCPR alone */
		snprintf(
		    text, sizeof(text), c->prefix ? "\033[?%d;%d;1R" : "\033[%d;%dR", row, col);
		vt_reply_bytes(s, text);
		break;
	}
}
