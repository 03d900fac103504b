#include "serial/vt_state.h"

/* Parameters that turn attributes on or off. */
static const struct {
	uint16_t on, off;
} attributes[] = {
    [1] = {VT_BOLD, 0},
    [2] = {VT_FAINT, 0},
    [3] = {VT_ITALIC, 0},
    [4] = {VT_UNDERLINE, VT_UNDERLINE_STYLES},
    [5] = {VT_BLINK, 0},
    [6] = {VT_BLINK, 0},
    [7] = {VT_REVERSE, 0},
    [8] = {VT_INVISIBLE, 0},
    [9] = {VT_STRIKE, 0},
    [21] = {VT_UNDERLINE | 1 << VT_UNDERLINE_SHIFT, VT_UNDERLINE_STYLES},
    [22] = {0, VT_BOLD | VT_FAINT},
    [23] = {0, VT_ITALIC},
    [24] = {0, VT_UNDERLINE | VT_UNDERLINE_STYLES},
    [25] = {0, VT_BLINK},
    [27] = {0, VT_REVERSE},
    [28] = {0, VT_INVISIBLE},
    [29] = {0, VT_STRIKE},
};

static bool is_sub(const struct vt_csi *c, unsigned i)
{
	return i < c->params && (c->colon & 1u << i);
}

/* How many sub-parameters follow parameter i. */
static unsigned subs(const struct vt_csi *c, unsigned i)
{
	unsigned n = 0;
	while (is_sub(c, i + 1 + n))
		n++;
	return n;
}

static bool byte(int v)
{
	return v >= 0 && v <= 255;
}

static bool rgb(int r, int g, int b, uint32_t *out)
{
	if (!byte(r) || !byte(g) || !byte(b))
		return false;
	*out = VT_RGB | (uint32_t)r << 16 | (uint32_t)g << 8 | (uint32_t)b;
	return true;
}

static bool indexed(int v, uint32_t *out)
{
	if (!byte(v))
		return false;
	*out = VT_INDEXED | (uint32_t)v;
	return true;
}

/* 38, 48 or 58 at i, in the forms 38;5;n 38;2;r;g;b 38:5:n 38:2:r:g:b 38:2:space:r:g:b[:…]. Sets
 * *out if it is well formed and returns how many parameters after i belong to it. */
static unsigned extended_colour(const struct vt_csi *c, unsigned i, uint32_t *out)
{
	unsigned n = subs(c, i);
	unsigned at = i + 1;
	int kind = vt_csi_arg0(c, at, 0);
	if (n > 0) {
		if (kind == 5 && n >= 2) {
			indexed(vt_csi_arg0(c, at + 1, 0), out);
		} else if (kind == 2 && n >= 4) {
			unsigned first = at + (n >= 5 ? 2 : 1);
			rgb(vt_csi_arg0(c, first, 0), vt_csi_arg0(c, first + 1, 0),
			    vt_csi_arg0(c, first + 2, 0), out);
		}
		return n;
	}
	if (at >= c->params)
		return 0;
	/* 38;2:r:g:b mixes both; what belongs to the colour's kind is skipped with it. */
	if (kind == 5) {
		indexed(vt_csi_arg0(c, at + 1, 0), out);
		return 2;
	}
	if (kind == 2) {
		rgb(vt_csi_arg0(c, at + 1, 0), vt_csi_arg0(c, at + 2, 0), vt_csi_arg0(c, at + 3, 0),
		    out);
		return 4;
	}
	return 1;
}

/* The colour of the palette of 256 that is nearest to one by its parts: of the cube or of the greys
 * (XTerm's 256colres.h). */
static uint8_t nearest(uint32_t colour)
{
	static const uint8_t levels[] = {0, 95, 135, 175, 215, 255};
	int part[3] = {(int)(colour >> 16 & 255), (int)(colour >> 8 & 255), (int)(colour & 255)};
	int cube = 16, cube_off = 0, grey_off = 0;
	int grey = ((part[0] + part[1] + part[2]) / 3 - 3) / 10;
	grey = vt_clamp(grey, 0, 23);
	for (int i = 0; i < 3; i++) {
		int v = part[i], level = v < 48 ? 0 : v < 115 ? 1 : (v - 35) / 40;
		static const int weight[] = {36, 6, 1};
		cube += level * weight[i];
		cube_off += (v - levels[level]) * (v - levels[level]);
		grey_off += (v - 8 - 10 * grey) * (v - 8 - 10 * grey);
	}
	return (uint8_t)(grey_off < cube_off ? 232 + grey : cube);
}

static void set_underline_colour(struct vt_pen *pen, uint32_t colour)
{
	if (colour & VT_RGB)
		pen->underline = nearest(colour);
	else if (colour & VT_INDEXED)
		pen->underline = (uint8_t)(colour & 255 ? colour & 255 : 16);
}

static void set_attribute(struct vt_pen *pen, const struct vt_csi *c, unsigned i, int v)
{
	int style = v == 4 && subs(c, i) ? vt_csi_arg0(c, i + 1, 1) : 1;
	if (style > 5)
		return;
	if (style == 0)
		v = 24;
	pen->attrs = (uint16_t)((pen->attrs & ~attributes[v].off) | attributes[v].on);
	if (style > 1)
		pen->attrs = (uint16_t)(pen->attrs | (style - 1) << VT_UNDERLINE_SHIFT);
}

void vt_sgr_run(struct vt_screen *s, const struct vt_csi *c)
{
	struct vt_pen *pen = &s->pen;
	uint32_t colour;
	if (c->params == 0)
		*pen = (struct vt_pen){.attrs = pen->attrs & VT_PROTECTED};
	for (unsigned i = 0; i < c->params; i++) {
		int v = vt_csi_arg0(c, i, 0);
		if (is_sub(c, i))
			continue;
		if (v == 0)
			*pen = (struct vt_pen){.attrs = pen->attrs & VT_PROTECTED};
		else if (v < 30)
			set_attribute(pen, c, i, v);
		else if (v <= 37)
			pen->fg = VT_INDEXED | (uint32_t)(v - 30);
		else if (v == 38)
			i += extended_colour(c, i, &pen->fg);
		else if (v == 39)
			pen->fg = 0;
		else if (v >= 40 && v <= 47)
			pen->bg = VT_INDEXED | (uint32_t)(v - 40);
		else if (v == 48)
			i += extended_colour(c, i, &pen->bg);
		else if (v == 49)
			pen->bg = 0;
		else if (v == 58) {
			colour = 0;
			i += extended_colour(c, i, &colour);
			set_underline_colour(pen, colour);
		} else if (v == 59)
			pen->underline = 0;
		else if (v >= 90 && v <= 97)
			pen->fg = VT_INDEXED | (uint32_t)(v - 90 + 8);
		else if (v >= 100 && v <= 107)
			pen->bg = VT_INDEXED | (uint32_t)(v - 100 + 8);
	}
}
