#include "serial/vt_state.h"
#include "serial/vt_utf8.h"

#include <string.h>

void vt_escape_control(struct vt_screen *s, uint8_t c)
{
	switch (c) {
	case 0x07:
		if (s->ops && s->ops->bell)
			s->ops->bell(s->arg);
		break;
	case 0x08:
		vt_cursor_back(s, 1);
		break;
	case 0x09:
		vt_cursor_tab(s, 1);
		break;
	case 0x0A:
	case 0x0B:
	case 0x0C:
		vt_cursor_index(s, 1);
		if (vt_mode(s, VT_M_LNM))
			vt_cursor_return(s);
		break;
	case 0x0D:
		vt_cursor_return(s);
		break;
	case 0x0E:
		s->sets.gl = 1;
		break;
	case 0x0F:
		s->sets.gl = 0;
		break;
	}
}

/* SPA and EPA: ISO 6429's protection, which plain erasing respects. */
static void guard(struct vt_screen *s, bool on)
{
	s->pen.attrs = (uint16_t)(on ? s->pen.attrs | VT_PROTECTED : s->pen.attrs & ~VT_PROTECTED);
	if (on)
		s->iso_protection = true;
}

static void escape_plain(struct vt_screen *s, uint8_t final)
{
	switch (final) {
	case '6':
		vt_cursor_column_index(s, false);
		break;
	case '7':
		vt_screen_save_cursor(s);
		break;
	case '8':
		vt_screen_restore_cursor(s);
		break;
	case '9':
		vt_cursor_column_index(s, true);
		break;
	case '=':
		s->app_keypad = true;
		break;
	case '>':
		s->app_keypad = false;
		break;
	case 'D':
		vt_cursor_index(s, 1);
		break;
	case 'E':
		vt_cursor_index(s, 1);
		vt_cursor_return(s);
		break;
	case 'H':
		s->tabs[s->col] = true;
		break;
	case 'M':
		vt_cursor_reverse_index(s, 1);
		break;
	case 'N':
		s->sets.shift = 2;
		break;
	case 'O':
		s->sets.shift = 3;
		break;
	case 'V':
		guard(s, true);
		break;
	case 'W':
		guard(s, false);
		break;
	case 'Z': /* DECID */
		vt_reply_attributes(s, &(struct vt_csi){0});
		break;
	case 'c':
		vt_screen_ris(s);
		break;
	case 'n':
		s->sets.gl = 2;
		break;
	case 'o':
		s->sets.gl = 3;
		break;
	}
}

static void escape_vt52(struct vt_screen *s, uint8_t final)
{
	switch (final) {
	case 'A':
		vt_cursor_up(s, 1);
		break;
	case 'B':
		vt_cursor_down(s, 1);
		break;
	case 'C':
		vt_cursor_forward(s, 1);
		break;
	case 'D':
		vt_cursor_back(s, 1);
		break;
	case 'F':
		s->sets.g[0] = '0';
		break;
	case 'G':
		s->sets.g[0] = 'B';
		break;
	case 'H':
		vt_cursor_set(s, 0, 0);
		break;
	case 'I':
		vt_cursor_reverse_index(s, 1);
		break;
	case 'J':
		vt_edit_erase_display(s, 0, false);
		break;
	case 'K':
		vt_edit_erase_line(s, 0, false);
		break;
	case 'Z':
		vt_reply_bytes(s, "\033/Z");
		break;
	case '=':
		s->app_keypad = true;
		break;
	case '>':
		s->app_keypad = false;
		break;
	case '<':
		s->modes &= ~VT_BIT(VT_M_VT52);
		s->parser.vt52 = false;
		break;
	}
}

static void escape_hash(struct vt_screen *s, uint8_t final)
{
	static const uint8_t sizes[] = {['3'] = VT_LINE_TOP,
	    ['4'] = VT_LINE_BOTTOM,
	    ['5'] = VT_LINE_SINGLE,
	    ['6'] = VT_LINE_WIDE};
	if (final >= '3' && final <= '6')
		vt_edit_line_size(s, (enum vt_line_size)sizes[final]);
	else if (final == '8')
		vt_edit_alignment(s);
}

void vt_escape_run(struct vt_screen *s, const uint8_t *intermediate, unsigned n, uint8_t final)
{
	if (vt_mode(s, VT_M_VT52)) {
		if (n == 0)
			escape_vt52(s, final);
	} else if (n == 0) {
		escape_plain(s, final);
	} else if (n == 1 && intermediate[0] == '#') {
		escape_hash(s, final);
	} else {
		vt_charsets_designate(&s->sets, intermediate, n, final, vt_mode(s, VT_M_NRC));
	}
}

/* OSC 0 and 2: the title. Of its characters only those that can be drawn on a line are kept. */
static void set_title(struct vt_screen *s, const uint8_t *p, size_t n)
{
	size_t len = 0, step;
	for (size_t i = 0; i < n; i += step) {
		uint32_t cp = vt_utf8_decode(p + i, n - i, &step);
		if (len + step > VT_TITLE_MAX)
			break;
		if (vt_width(cp) < 0 || vt_print_is_format(cp) || cp == 0x2028 || cp == 0x2029)
			continue;
		memcpy(s->title + len, p + i, step);
		len += step;
	}
	s->title[len] = 0;
	if (s->ops && s->ops->title)
		s->ops->title(s->arg, s->title);
}

void vt_escape_string(struct vt_screen *s, enum vt_string kind, const uint8_t *p, size_t n)
{
	if (kind == VT_STRING_OSC && n >= 2 && (p[0] == '0' || p[0] == '2') && p[1] == ';')
		set_title(s, p + 2, n - 2);
}
