#include "core/mem.h"
#include "serial/vt_state.h"

typedef void csi_fn(struct vt_screen *s, const struct vt_csi *c);

#define MOVE(name, call)                                              \
	static void name(struct vt_screen *s, const struct vt_csi *c) \
	{                                                             \
		int n = vt_csi_arg(c, 0, 1);                          \
		call;                                                 \
	}
MOVE(cuu, vt_cursor_up(s, n))
MOVE(cud, vt_cursor_down(s, n))
MOVE(cuf, vt_cursor_forward(s, n))
MOVE(cub, vt_cursor_back(s, n))
MOVE(cnl, (vt_cursor_down(s, n), vt_cursor_return(s)))
MOVE(cpl, (vt_cursor_up(s, n), vt_cursor_return(s)))
MOVE(cha, vt_cursor_address(s, s->row - (vt_mode(s, VT_M_DECOM) ? s->top : 0), n - 1))
MOVE(vpa, vt_cursor_address(s, n - 1, s->col - (vt_mode(s, VT_M_DECOM) ? vt_left(s) : 0)))
MOVE(hpr, vt_cursor_address(s, s->row - (vt_mode(s, VT_M_DECOM) ? s->top : 0),
              s->col - (vt_mode(s, VT_M_DECOM) ? vt_left(s) : 0) + n))
MOVE(vpr, vt_cursor_address(s, s->row - (vt_mode(s, VT_M_DECOM) ? s->top : 0) + n,
              s->col - (vt_mode(s, VT_M_DECOM) ? vt_left(s) : 0)))
MOVE(cup, vt_cursor_address(s, n - 1, vt_csi_arg(c, 1, 1) - 1))
MOVE(cht, vt_cursor_tab(s, n))
MOVE(cbt, vt_cursor_back_tab(s, n))
MOVE(ich, vt_edit_insert_chars(s, n))
MOVE(dch, vt_edit_delete_chars(s, n))
MOVE(il, vt_edit_insert_lines(s, n))
MOVE(dl, vt_edit_delete_lines(s, n))
MOVE(ech, vt_edit_erase_chars(s, n))
MOVE(su, vt_edit_scroll_up(s, n))
MOVE(sl, vt_edit_scroll_left(s, n))
MOVE(sr, vt_edit_scroll_right(s, n))
MOVE(decic, vt_edit_insert_columns(s, n))
MOVE(decdc, vt_edit_delete_columns(s, n))
MOVE(rep, vt_print_repeat(s, n))

static void sd(struct vt_screen *s, const struct vt_csi *c)
{
	/* Of CSI T five parameters, and a zero, are highlight tracking. */
	if ((c->params <= 1 || c->final == '^') && vt_csi_arg0(c, 0, 1) != 0)
		vt_edit_scroll_down(s, vt_csi_arg(c, 0, 1));
}

static void ed(struct vt_screen *s, const struct vt_csi *c)
{
	vt_edit_erase_display(s, vt_csi_arg0(c, 0, 0), c->prefix == '?');
}

static void el(struct vt_screen *s, const struct vt_csi *c)
{
	vt_edit_erase_line(s, vt_csi_arg0(c, 0, 0), c->prefix == '?');
}

static void sm(struct vt_screen *s, const struct vt_csi *c)
{
	vt_mode_set(s, c, true);
}

static void rm(struct vt_screen *s, const struct vt_csi *c)
{
	vt_mode_set(s, c, false);
}

static void tbc(struct vt_screen *s, const struct vt_csi *c)
{
	int what = vt_csi_arg0(c, 0, 0);
	if (what == 0)
		s->tabs[s->col] = false;
	else if (what == 3)
		for (int i = 0; i < VT_COLS_MAX; i++)
			s->tabs[i] = false;
}

/* DECST8C */
static void tab_reset(struct vt_screen *s, const struct vt_csi *c)
{
	if (vt_csi_arg0(c, 0, 0) == 5)
		vt_screen_reset_tabs(s);
}

static void decstbm(struct vt_screen *s, const struct vt_csi *c)
{
	int top = vt_csi_arg(c, 0, 1), bottom = vt_csi_arg(c, 1, s->rows);
	if (bottom > s->rows)
		bottom = s->rows;
	if (top >= bottom)
		return;
	s->top = top - 1;
	s->bottom = bottom - 1;
	vt_cursor_home(s);
}

/* DECSLRM, or SCOSC where there are no left and right margins. */
static void decslrm(struct vt_screen *s, const struct vt_csi *c)
{
	if (!vt_mode(s, VT_M_DECLRMM)) {
		vt_screen_save_cursor(s);
		return;
	}
	int left = vt_csi_arg(c, 0, 1), right = vt_csi_arg(c, 1, s->cols);
	if (right > s->cols)
		right = s->cols;
	if (left >= right)
		return;
	s->left = left - 1;
	s->right = right - 1;
	vt_cursor_home(s);
}

static void scorc(struct vt_screen *s, const struct vt_csi *c)
{
	(void)c;
	vt_screen_restore_cursor(s);
}

static void decscusr(struct vt_screen *s, const struct vt_csi *c)
{
	int style = vt_csi_arg0(c, 0, 0);
	if (style <= 6)
		s->cursor_style = style;
}

static void decsca(struct vt_screen *s, const struct vt_csi *c)
{
	int what = vt_csi_arg0(c, 0, 0);
	if (what > 2)
		return;
	s->pen.attrs =
	    (uint16_t)(what == 1 ? s->pen.attrs | VT_PROTECTED : s->pen.attrs & ~VT_PROTECTED);
	s->iso_protection = false;
}

static void decstr(struct vt_screen *s, const struct vt_csi *c)
{
	(void)c;
	vt_screen_soft_reset(s);
}

static void decscl(struct vt_screen *s, const struct vt_csi *c)
{
	int level = vt_csi_arg0(c, 0, 0);
	if (level < 61 || level > 65)
		return;
	vt_screen_soft_reset(s);
}

static void decsace(struct vt_screen *s, const struct vt_csi *c)
{
	int what = vt_csi_arg0(c, 0, 0);
	if (what <= 2)
		s->exact_rect = what == 2;
}

/* Sequences without prefix and intermediate, by their final. */
static csi_fn *const plain[] = {
    ['@' - '@'] = ich,
    ['A' - '@'] = cuu,
    ['B' - '@'] = cud,
    ['C' - '@'] = cuf,
    ['D' - '@'] = cub,
    ['E' - '@'] = cnl,
    ['F' - '@'] = cpl,
    ['G' - '@'] = cha,
    ['H' - '@'] = cup,
    ['I' - '@'] = cht,
    ['J' - '@'] = ed,
    ['K' - '@'] = el,
    ['L' - '@'] = il,
    ['M' - '@'] = dl,
    ['P' - '@'] = dch,
    ['S' - '@'] = su,
    ['T' - '@'] = sd,
    ['X' - '@'] = ech,
    ['Z' - '@'] = cbt,
    ['^' - '@'] = sd,
    ['`' - '@'] = cha,
    ['a' - '@'] = hpr,
    ['b' - '@'] = rep,
    ['c' - '@'] = vt_reply_attributes,
    ['d' - '@'] = vpa,
    ['e' - '@'] = vpr,
    ['f' - '@'] = cup,
    ['g' - '@'] = tbc,
    ['h' - '@'] = sm,
    ['l' - '@'] = rm,
    ['m' - '@'] = vt_sgr_run,
    ['n' - '@'] = vt_reply_status,
    ['r' - '@'] = decstbm,
    ['s' - '@'] = decslrm,
    ['u' - '@'] = scorc,
};

static const struct {
	char prefix, intermediate, final;
	csi_fn *run;
} others[] = {
    {'?', 0, 'J', ed},
    {'?', 0, 'K', el},
    {'?', 0, 'W', tab_reset},
    {'?', 0, 'h', sm},
    {'?', 0, 'l', rm},
    {'?', 0, 'n', vt_reply_status},
    {'?', 0, 'r', vt_mode_restore},
    {'?', 0, 's', vt_mode_save},
    {'>', 0, 'c', vt_reply_attributes},
    {'=', 0, 'c', vt_reply_attributes},
    {0, ' ', '@', sl},
    {0, ' ', 'A', sr},
    {0, ' ', 'q', decscusr},
    {0, '!', 'p', decstr},
    {0, '"', 'p', decscl},
    {0, '"', 'q', decsca},
    {0, '$', 'r', vt_rect_change_attrs},
    {0, '$', 't', vt_rect_reverse_attrs},
    {0, '$', 'v', vt_rect_copy},
    {0, '$', 'x', vt_rect_fill},
    {0, '$', 'z', vt_rect_erase},
    {0, '$', '{', vt_rect_erase_selective},
    {0, '\'', '}', decic},
    {0, '\'', '~', decdc},
    {0, '*', 'x', decsace},
};

void vt_csi_run(struct vt_screen *s, const struct vt_csi *c)
{
	if (c->colon && c->final != 'm')
		return; /* sub-parameters mean something to SGR alone */
	if (c->prefix == 0 && c->intermediates == 0) {
		unsigned at = c->final - (unsigned)'@';
		if (at < ARRAY_LEN(plain) && plain[at])
			plain[at](s, c);
		return;
	}
	if (c->intermediates > 1)
		return;
	uint8_t intermediate = c->intermediates ? c->intermediate[0] : 0;
	for (size_t i = 0; i < ARRAY_LEN(others); i++)
		if (others[i].prefix == c->prefix && others[i].intermediate == intermediate &&
		    others[i].final == c->final) {
			others[i].run(s, c);
			return;
		}
}
