#include "tui/theme.h"

#include <curses.h>
#include <langinfo.h>
#include <stdlib.h>
#include <string.h>

#include "serial/vt_screen.h"

/* Text first: every distinction survives without colours through attributes and words. */
static const struct {
	unsigned mono;  /* attributes without colours */
	unsigned attrs; /* with colours */
	signed char fg, bg;
} looks[STYLE_COUNT] = {
    [STYLE_NORMAL] = {A_NORMAL, A_NORMAL, -1, -1},
    [STYLE_DIM] = {A_NORMAL, A_DIM, -1, -1},
    [STYLE_STRONG] = {A_BOLD, A_BOLD, -1, -1},
    [STYLE_BAR] = {A_REVERSE, A_NORMAL, COLOR_WHITE, COLOR_BLUE},
    [STYLE_BAR_KEY] = {A_REVERSE | A_BOLD, A_BOLD, COLOR_YELLOW, COLOR_BLUE},
    [STYLE_COLUMNS] = {A_UNDERLINE, A_BOLD, COLOR_CYAN, -1},
    [STYLE_SORTED] = {A_UNDERLINE | A_BOLD, A_BOLD | A_UNDERLINE, COLOR_CYAN, -1},
    [STYLE_RULE] = {A_NORMAL, A_NORMAL, COLOR_CYAN, -1},
    [STYLE_TAB] = {A_REVERSE, A_REVERSE | A_BOLD, COLOR_CYAN, -1},
    [STYLE_GOOD] = {A_NORMAL, A_NORMAL, COLOR_GREEN, -1},
    [STYLE_WARN] = {A_BOLD, A_NORMAL, COLOR_YELLOW, -1},
    [STYLE_BAD] = {A_BOLD, A_BOLD, COLOR_RED, -1},
    [STYLE_ERROR] = {A_REVERSE | A_BOLD, A_BOLD, COLOR_WHITE, COLOR_RED},
    [STYLE_NOTE] = {A_REVERSE, A_NORMAL, COLOR_BLACK, COLOR_GREEN},
    [STYLE_GRAPH] = {A_NORMAL, A_NORMAL, COLOR_GREEN, -1},
    [STYLE_MARK] = {A_BOLD, A_BOLD, COLOR_YELLOW, -1},
    [STYLE_DIALOG] = {A_NORMAL, A_NORMAL, -1, -1},
};

void theme_detect(struct theme *t)
{
	const char *no = getenv("NO_COLOR"), *term = getenv("TERM");
	memset(t, 0, sizeof(*t));
	if (has_colors() && !(no && *no) && start_color() == OK) {
		if (use_default_colors() == OK)
			t->colors = COLORS >= 256 ? 256 : COLORS >= 8 ? 8 : 0;
	}
	t->wide = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
	/* The kernel's console has 256 or 512 glyphs: the eighth blocks are not among them. */
	t->utf8 = t->wide && !(term && (!strcmp(term, "linux") || !strncmp(term, "vt", 2)));
}

struct look theme_look(const struct theme *t, enum style s)
{
	if (!t->colors)
		return (struct look){looks[s].mono, -1, -1};
	return (struct look){looks[s].attrs, looks[s].fg, looks[s].bg};
}

static int cube_level(unsigned v)
{
	return v < 48 ? 0 : v < 115 ? 1 : (int)(v - 35) / 40;
}

/* The nearest of xterm's 6x6x6 cube (16..231) and its grey ramp (232..255). */
static int rgb_to_256(unsigned r, unsigned g, unsigned b)
{
	static const int level[6] = {0, 95, 135, 175, 215, 255};
	int cr = cube_level(r), cg = cube_level(g), cb = cube_level(b);
	int grey = ((int)(r + g + b) / 3 - 3) / 10;
	int gv, dc, dg;
	grey = grey < 0 ? 0 : grey > 23 ? 23 : grey;
	gv = 8 + 10 * grey;
#define SQ(x) ((x) * (x))
	dc = SQ(level[cr] - (int)r) + SQ(level[cg] - (int)g) + SQ(level[cb] - (int)b);
	dg = SQ(gv - (int)r) + SQ(gv - (int)g) + SQ(gv - (int)b);
#undef SQ
	return dg < dc ? 232 + grey : 16 + 36 * cr + 6 * cg + cb;
}

static int rgb_to_8(unsigned r, unsigned g, unsigned b)
{
	return (r >= 96 ? 1 : 0) | (g >= 96 ? 2 : 0) | (b >= 96 ? 4 : 0);
}

static int index_to_8(unsigned i)
{
	static const unsigned char level[6] = {0, 95, 135, 175, 215, 255};
	unsigned v;
	if (i < 16)
		return (int)(i & 7);
	if (i >= 232) {
		v = 8 + 10 * (i - 232);
		return rgb_to_8(v, v, v);
	}
	i -= 16;
	return rgb_to_8(level[i / 36], level[i / 6 % 6], level[i % 6]);
}

int theme_color(const struct theme *t, uint32_t c)
{
	unsigned r = c >> 16 & 255, g = c >> 8 & 255, b = c & 255;
	if (!t->colors || !c)
		return -1;
	if (c & VT_RGB)
		return t->colors == 256 ? rgb_to_256(r, g, b) : rgb_to_8(r, g, b);
	return t->colors == 256 ? (int)b : index_to_8(b);
}

char theme_ascii(uint32_t cp)
{
	static const char box[] =
	    "--||--||--||++++++++++++++++++++++++++++++++++++++++++++++++++++++++"
	    "++++++++++++--||-|++++++++++++++++++++++++++++++";
	if (cp >= 0x20 && cp < 0x7f)
		return (char)cp;
	if (cp >= 0x2500 && cp < 0x2500 + sizeof(box) - 1)
		return box[cp - 0x2500];
	if (cp >= 0x2580 && cp <= 0x2593)
		return '#';
	switch (cp) {
	case 0xa0:
		return ' ';
	case 0x2010:
	case 0x2011:
	case 0x2012:
	case 0x2013:
	case 0x2014:
		return '-';
	case 0x2018:
	case 0x2019:
		return '\'';
	case 0x201c:
	case 0x201d:
		return '"';
	case 0x2022:
	case 0x25cf:
	case 0x00b7:
		return '*';
	case 0x2026:
		return '~';
	default:
		return '?';
	}
}
