#include "core/mem.h"
#include "serial/vt_state.h"

/* One mode: its number, the bit that holds it, and what else a change does. */
struct mode {
	uint16_t number;
	bool dec;
	uint8_t bit; /* enum vt_mode_bit */
	void (*changed)(struct vt_screen *s, bool on);
};

static void origin_changed(struct vt_screen *s, bool on)
{
	(void)on;
	vt_cursor_home(s);
}

static void reverse_changed(struct vt_screen *s, bool on)
{
	(void)on;
	s->all_dirty = true;
}

static void margins_changed(struct vt_screen *s, bool on)
{
	if (on)
		return;
	s->left = 0;
	s->right = s->cols - 1;
}

/* The window is the operator's and keeps its width; the rest of what DECCOLM does happens where
 * mode 40 allows it. */
static void columns_changed(struct vt_screen *s, bool on)
{
	(void)on;
	if (!vt_mode(s, VT_M_COLM_ALLOWED))
		return;
	s->top = 0;
	s->bottom = s->rows - 1;
	margins_changed(s, false);
	vt_cursor_set(s, 0, 0);
	if (!vt_mode(s, VT_M_DECNCSM))
		vt_edit_erase_display(s, 2, false);
}

static void vt52_changed(struct vt_screen *s, bool ansi)
{
	/* DECANM set is ANSI; the bit says VT52, so it was stored the wrong way round */
	s->modes ^= VT_BIT(VT_M_VT52);
	if (ansi)
		return;
	s->parser.vt52 = true;
	vt_charsets_init(&s->sets);
}

static const struct mode modes[] = {
    {2, false, VT_M_KAM},
    {4, false, VT_M_IRM},
    {12, false, VT_M_SRM},
    {20, false, VT_M_LNM},
    {1, true, VT_M_DECCKM},
    {2, true, VT_M_VT52, vt52_changed},
    {3, true, VT_M_DECCOLM, columns_changed},
    {4, true, VT_M_DECSCLM},
    {5, true, VT_M_DECSCNM, reverse_changed},
    {6, true, VT_M_DECOM, origin_changed},
    {7, true, VT_M_DECAWM},
    {8, true, VT_M_DECARM},
    {12, true, VT_M_BLINK},
    {25, true, VT_M_DECTCEM},
    {40, true, VT_M_COLM_ALLOWED},
    {41, true, VT_M_MORE_FIX},
    {42, true, VT_M_NRC},
    {45, true, VT_M_REVWRAP},
    {66, true, VT_M_DECNKM},
    {67, true, VT_M_DECBKM},
    {69, true, VT_M_DECLRMM, margins_changed},
    {95, true, VT_M_DECNCSM},
    {1004, true, VT_M_FOCUS},
    {1007, true, VT_M_ALT_SCROLL},
    {1034, true, VT_M_META},
    {1045, true, VT_M_REVWRAP_FAR},
    {2004, true, VT_M_PASTE},
    {2026, true, VT_M_SYNC},
};

static const struct mode *find(int number, bool dec)
{
	for (size_t i = 0; i < ARRAY_LEN(modes); i++)
		if (modes[i].number == number && modes[i].dec == dec)
			return &modes[i];
	return NULL;
}

static bool is_mouse(int number)
{
	return number == 9 || (number >= 1000 && number <= 1003 && number != 1001);
}

static bool is_mouse_coding(int number)
{
	return number == 1005 || number == 1006 || number == 1015;
}

static bool is_alternate(int number)
{
	return number == 47 || number == 1047 || number == 1049;
}

static void set_alternate(struct vt_screen *s, int number, bool on)
{
	bool now = vt_mode(s, VT_M_ALT);
	if (number == 1049 && on)
		vt_screen_save_cursor(s);
	if (number == 1047 && !on && now)
		vt_edit_erase_display(s, 2, false);
	vt_screen_alternate(s, on);
	if (number == 1049 && on)
		vt_edit_erase_display(s, 2, false);
	if (number == 1049 && !on)
		vt_screen_restore_cursor(s);
}

static void set_dec(struct vt_screen *s, int number, bool on)
{
	if (is_alternate(number)) {
		set_alternate(s, number, on);
	} else if (number == 1048) {
		if (on)
			vt_screen_save_cursor(s);
		else
			vt_screen_restore_cursor(s);
	} else if (is_mouse(number)) {
		s->mouse = on ? number : 0;
	} else if (is_mouse_coding(number)) {
		if (on)
			s->mouse_coding = number;
		else if (s->mouse_coding == number)
			s->mouse_coding = 0;
	}
}

static void set_one(struct vt_screen *s, int number, bool dec, bool on)
{
	const struct mode *m = find(number, dec);
	if (m) {
		s->modes = on ? s->modes | VT_BIT(m->bit) : s->modes & ~VT_BIT(m->bit);
		if (m->changed)
			m->changed(s, on);
	} else if (dec) {
		set_dec(s, number, on);
	}
}

void vt_mode_set(struct vt_screen *s, const struct vt_csi *c, bool on)
{
	for (unsigned i = 0; i < c->params; i++)
		set_one(s, vt_csi_arg0(c, i, 0), c->prefix == '?', on);
}

void vt_mode_save(struct vt_screen *s, const struct vt_csi *c)
{
	for (unsigned i = 0; i < c->params; i++) {
		int number = vt_csi_arg0(c, i, 0);
		const struct mode *m = find(number, true);
		uint64_t bit = m ? VT_BIT(m->bit) : is_alternate(number) ? VT_BIT(VT_M_ALT) : 0;
		s->saved_modes = (s->saved_modes & ~bit) | (s->modes & bit);
		if (number == 1048)
			vt_screen_save_cursor(s);
		else if (is_mouse(number))
			s->saved_mouse = s->mouse;
		else if (is_mouse_coding(number))
			s->saved_mouse_coding = s->mouse_coding;
	}
}

void vt_mode_restore(struct vt_screen *s, const struct vt_csi *c)
{
	for (unsigned i = 0; i < c->params; i++) {
		int number = vt_csi_arg0(c, i, 0);
		const struct mode *m = find(number, true);
		if (m && m->bit != VT_M_VT52)
			set_one(s, number, true, (s->saved_modes & VT_BIT(m->bit)) != 0);
		else if (is_alternate(number))
			set_alternate(s, number, (s->saved_modes & VT_BIT(VT_M_ALT)) != 0);
		else if (number == 1048)
			vt_screen_restore_cursor(s);
		else if (is_mouse(number))
			s->mouse = s->saved_mouse;
		else if (is_mouse_coding(number))
			s->mouse_coding = s->saved_mouse_coding;
	}
}
