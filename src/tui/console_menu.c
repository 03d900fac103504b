#include "tui/console_menu.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/table.h"
#include "core/mem.h"
#include "core/str.h"
#include "core/vm.h"
#include "tui/actions.h"
#include "tui/console_impl.h"
#include "tui/draw.h"
#include "tui/keys.h"
#include "tui/snap_forms.h"
#include "tui/view_ask.h"
#include "tui/view_confirm.h"
#include "tui/view_text.h"
#include "tui/view_wall.h"
#include "tui/wall_layout.h"

#define SHOW_MS 400 /* who knows the key does not wait for the menu on a slow link */
#define WIDTH 38
#define WIDTH_PAGE 60           /* of the pages behind it */
#define SYSRQ_DISRUPTS "bceiou" /* reboot, crash, end or kill all, power off, mount read only */

enum menu_act {
	MENU_DETACH,
	MENU_SCROLL,
	MENU_SEARCH,
	MENU_KEYBOARD,
	MENU_FORCE,
	MENU_WATCHERS,
	MENU_VERB,
	MENU_SNAPSHOT,
	MENU_SYSRQ,
	MENU_SIZE,
	MENU_POWER,
	MENU_PORT,
	MENU_NEXT,
	MENU_WALL,
	MENU_HELP,
};

/* Lower case is reversible; what disrupts asks, because its verb does. */
static const struct menu_key {
	const char *key; /* as input_key_parse reads it */
	enum menu_act act;
	const char *label, *help;
	const char *verbs[3]; /* not there unless one of them is */
	bool changes;         /* not for who only looks */
	bool live;            /* not on a console that is off */
} menu_keys[] = {
    {"d", MENU_DETACH, "detach", "back to where you came from; the guest runs on", {0}, false,
        false},
    {"[", MENU_SCROLL, "scrollback", "read back, search, select, copy", {0}, false, false},
    {"/", MENU_SEARCH, "search back", "search the scrollback from here back", {0}, false, false},
    {"w", MENU_KEYBOARD, "keyboard: take or give",
        "the keyboard: give it, take it, ask for it (twice takes it)", {0}, true, true},
    {"W", MENU_FORCE, "keyboard: take it over", "take the keyboard over; who had it is told", {0},
        true, true},
    {"u", MENU_WATCHERS, "who is attached", "who is attached, from where, and who types", {0},
        false, true},
    {"b", MENU_WALL, "wall and broadcast",
        "all consoles side by side, and typing into many at once", {0}, false, false},
    {"k", MENU_VERB, "send BREAK", "a BREAK on the line", {"send-break"}, true, true},
    {"q", MENU_SYSRQ, "SysRq letter", "SysRq and a letter: Linux lists them at h", {"sysrq"}, true,
        true},
    {"n", MENU_VERB, "NMI", "a non-maskable interrupt; asks first", {"inject-nmi"}, true, true},
    {"r", MENU_SIZE, "tell the guest the size",
        "type \"stty rows R cols C\" and Enter into the guest's shell", {0}, true, true},
    {"s", MENU_SNAPSHOT, "snapshot", "a snapshot: its name, what is kept", {"snapshot-create-as"},
        true, true},
    {"p", MENU_POWER, "power", "start, pause, shut down and so on, as in the list", {0}, true,
        false},
    {"o", MENU_PORT, "other port", "another console of this domain", {0}, false, false},
    {"Tab", MENU_NEXT, "next console", "the console of the next domain that runs", {0}, false,
        false},
    {"?", MENU_HELP, "help", "this page", {0}, false, false},
};

enum menu_page { PAGE_MAIN, PAGE_POWER, PAGE_SYSRQ, PAGE_PORTS };

struct menu {
	struct view v;
	struct console *c;
	enum menu_page page;
	bool shown; /* the time has passed after which it is drawn */
	struct event *timer;
};

static const char *const power_verbs[] = {
    "start", "suspend", "shutdown", "reboot", "reset", "destroy"};

static const struct {
	char letter;
	const char *label;
} sysrq_letters[] = {{'h', "help, in the guest"}, {'s', "sync disks"}, {'u', "mount all read only"},
    {'b', "reboot at once"}, {'c', "crash (dump)"}, {'t', "list tasks"}, {'w', "blocked tasks"},
    {'m', "memory"}, {'l', "CPUs' backtraces"}, {'f', "OOM killer"}};

/* --- what is there --- */

static const struct verb *verb_of(const struct menu_key *k)
{
	for (size_t i = 0; i < ARRAY_LEN(k->verbs) && k->verbs[i]; i++)
		if (verb_find(k->verbs[i]))
			return verb_find(k->verbs[i]);
	return NULL;
}

static bool known(const struct menu_key *k)
{
	return !k->verbs[0] || verb_of(k);
}

static bool offered(const struct console *c, const struct menu_key *k)
{
	if (!known(k) || (k->changes && console_readonly(c)))
		return false;
	return !k->live || session_state(c->s) == SESSION_LIVE;
}

/* The list's key that runs a verb. */
static const struct key_binding *power_key(const char *verb)
{
	for (unsigned i = 0; i < key_count; i++)
		if (str_eq(key_table[i].verb, verb) &&
		    (key_table[i].action == ACT_VERB || key_table[i].action == ACT_PAUSE))
			return &key_table[i];
	return NULL;
}

/* --- doing it --- */

static void run_words(struct console *c, const struct verb *v, const char *const *words)
{
	char *names[] = {(char *)(uintptr_t)session_name(c->s), NULL};
	action_command(c->v.app, v, words, names);
}

static bool verb_has(const struct verb *v, const char *option)
{
	return opt_find(v->opts, option, strlen(option)) != NULL;
}

static void run_verb(struct console *c, const struct verb *v)
{
	bool port = verb_has(v, "port");
	const char *words[] = {
	    v->name, session_name(c->s), port ? "--port" : NULL, session_port(c->s), NULL};
	run_words(c, v, words);
}

/* The letter is typed by a client of its own, to whom we lend the keyboard. */
static void run_sysrq(struct console *c, uint32_t letter)
{
	const struct verb *v = verb_find("sysrq");
	char text[2] = {(char)letter, '\0'};
	const char *words[] = {"sysrq", session_name(c->s), text, "--port", session_port(c->s),
	    c->mine ? "--force" : NULL, NULL};
	char *names[] = {(char *)(uintptr_t)session_name(c->s), NULL};
	if (!v)
		return;
	if (strchr(SYSRQ_DISRUPTS, (int)letter))
		view_confirm_open(c->v.app, v, words, names);
	else
		action_start(c->v.app, v, words);
	if (c->mine)
		c->lent_ms = loop_now_ms();
}

static void run_power(struct console *c, const struct key_binding *b)
{
	const char *name = b->verb;
	struct vm vm;
	if (b->action == ACT_PAUSE &&
	    vm_probe(c->v.app->home, session_name(c->s), &vm, NULL) == 0) {
		if (vm.state == VM_PAUSED)
			name = "resume";
		vm_fini(&vm);
	}
	run_verb(c, verb_find(name));
}

static void type_size(struct console *c)
{
	char text[64];
	int rows = console_rows(c->v.app), cols = tty_cols(c->v.app->tty);
	snprintf(text, sizeof(text), "stty rows %d cols %d", rows, cols);
	size_t n = strlen(text);
	text[n] = '\r';
	if (console_send(c, text, n + 1))
		console_note(c, STYLE_NOTE, "typed: %.*s", (int)n, text);
}

static void on_size_answer(void *arg, bool yes)
{
	struct console *c = arg;
	if (yes)
		type_size(c);
	else
		console_note(c, STYLE_NOTE, "nothing was typed");
}

/* An editor would take it for commands. */
static void tell_size(struct console *c)
{
	struct vt_modes m;
	vt_screen_modes(session_screen(c->s), &m);
	if (m.alt_screen && session_who(c->s)->mine)
		view_ask_open(c->v.app, "Type \"stty rows ...\" into a full-screen program?",
		    "It looks as if one runs there, not a shell: an editor\n"
		    "takes what is typed for commands. Leave it first.",
		    on_size_answer, c);
	else
		type_size(c);
}

/* This one and all others that run. */
static void open_wall(struct console *c)
{
	char *names[WALL_TILES_MAX + 1];
	unsigned n = 0;
	struct vm *vms;
	size_t n_vms;
	struct err err = {0};
	if (vm_list_brief(c->v.app->home, &vms, &n_vms, &err) < 0) {
		console_note(c, STYLE_ERROR, "%s", err.msg);
		return;
	}
	session_release(c->s); /* or it would be left out of a broadcast */
	names[n++] = (char *)(uintptr_t)session_name(c->s);
	for (size_t i = 0; i < n_vms && n < ARRAY_LEN(names); i++)
		if (vms[i].live && vms[i].head && vms[i].head->consoles &&
		    !str_eq(vms[i].name, session_name(c->s)))
			names[n++] = vms[i].name;
	view_wall_open(c->v.app, names, n);
	vm_list_free(vms, n_vms);
}

static void next_console(struct console *c)
{
	struct vm *vms;
	size_t n, first = SIZE_MAX, next = SIZE_MAX;
	struct err err = {0};
	if (vm_list_brief(c->v.app->home, &vms, &n, &err) < 0) {
		console_note(c, STYLE_ERROR, "%s", err.msg);
		return;
	}
	for (size_t i = 0; i < n; i++) {
		if (!vms[i].live || str_eq(vms[i].name, session_name(c->s)))
			continue;
		if (first == SIZE_MAX)
			first = i;
		if (next == SIZE_MAX && strcmp(vms[i].name, session_name(c->s)) > 0)
			next = i;
	}
	next = next == SIZE_MAX ? first : next;
	if (next == SIZE_MAX)
		console_note(c, STYLE_NOTE, "no other domain runs");
	else
		console_switch(c, vms[next].name, 0);
	vm_list_free(vms, n);
}

static void show_watchers(struct console *c)
{
	CLEANUP_BUF struct buf b = BUF_INIT;
	CLEANUP_FREE char *title =
	    xasprintf("%s %s: who is attached", session_name(c->s), session_port(c->s));
	console_words_watchers(c, &b);
	view_text_open(c->v.app, title, b.data ? b.data : "", b.len);
}

static void show_help(struct console *c)
{
	CLEANUP_BUF struct buf b = BUF_INIT;
	console_menu_help(&c->v.app->keys, &b);
	view_keys_open(c->v.app, "hvmux: keys of a console", b.data, b.len);
}

static void run_key(struct console *c, const struct menu_key *k)
{
	switch (k->act) {
	case MENU_DETACH:
		view_pop(&c->v);
		break;
	case MENU_SCROLL:
		console_scroll_begin(c);
		break;
	case MENU_SEARCH:
		console_scroll_search(c, true);
		break;
	case MENU_KEYBOARD:
	case MENU_FORCE:
		console_keyboard(c, k->act == MENU_FORCE);
		break;
	case MENU_WATCHERS:
		show_watchers(c);
		break;
	case MENU_SNAPSHOT:
		snap_form_new(c->v.app, session_name(c->s));
		break;
	case MENU_VERB:
		run_verb(c, verb_of(k));
		break;
	case MENU_SIZE:
		tell_size(c);
		break;
	case MENU_WALL:
		open_wall(c);
		break;
	case MENU_NEXT:
		next_console(c);
		break;
	case MENU_HELP:
		show_help(c);
		break;
	case MENU_SYSRQ:
	case MENU_POWER:
	case MENU_PORT: /* pages of the menu */
		break;
	}
}

/* --- the ports --- */

struct ports {
	unsigned n;
	struct status_console port[STATUS_CONSOLES_MAX];
};

static void ports_look(const struct console *c, struct ports *p)
{
	struct vm vm;
	p->n = 0;
	if (vm_probe(c->v.app->home, session_name(c->s), &vm, NULL) < 0)
		return;
	if (vm.head) {
		p->n = vm.head->consoles < STATUS_CONSOLES_MAX ? vm.head->consoles
		                                               : STATUS_CONSOLES_MAX;
		memcpy(p->port, vm.head->console, p->n * sizeof(p->port[0]));
	}
	vm_fini(&vm);
}

static void port_line(const struct status_console *p, unsigned index, char *out, size_t n)
{
	char name[20];
	snprintf(name, sizeof(name), "%.6s%u", status_port_word((enum status_port)p->port),
	    p->port_number);
	snprintf(out, n, "%u  %-9s %.40s", index, name, *p->line ? p->line : "(silent)");
}

static void choose_port(struct console *c, uint32_t letter)
{
	struct ports p;
	unsigned index = letter == 'o' || letter == '\t' ? c->index + 1 : letter - '0';
	ports_look(c, &p);
	if (letter == 'o' && index >= p.n)
		index = 0;
	if (index >= p.n)
		console_note(c, STYLE_NOTE, "there is no port %u", index);
	else
		console_switch(c, session_name(c->s), index);
}

/* --- the view --- */

static void menu_leave(struct menu *m)
{
	view_pop(&m->v);
}

/* Another page, or nothing to choose from there. */
static bool turn(struct menu *m, enum menu_act act)
{
	struct ports p;
	switch (act) {
	case MENU_POWER:
		m->page = PAGE_POWER;
		break;
	case MENU_SYSRQ:
		m->page = PAGE_SYSRQ;
		break;
	case MENU_PORT:
		ports_look(m->c, &p);
		if (p.n < 2) {
			menu_leave(m);
			console_note(
			    m->c, STYLE_NOTE, "%s has no other console", session_name(m->c->s));
			return true;
		}
		m->page = PAGE_PORTS;
		break;
	default:
		return false;
	}
	m->shown = true;
	return true;
}

static void main_key(struct menu *m, const struct vt_key *k)
{
	struct console *c = m->c;
	struct vt_key want;
	for (size_t i = 0; i < ARRAY_LEN(menu_keys); i++) {
		const struct menu_key *key = &menu_keys[i];
		if (input_key_parse(key->key, &want) < 0 || !console_keys_same(k, &want) ||
		    !known(key))
			continue;
		if (!offered(c, key)) {
			menu_leave(m);
			console_note(c, STYLE_ERROR, "%s: %s", key->label,
			    console_readonly(c) && key->changes ? "read only"
			                                        : "only while it runs");
		} else if (!turn(m, key->act)) {
			menu_leave(m);
			run_key(c, key);
		}
		return;
	}
	menu_leave(m);
	console_note(c, STYLE_NOTE, "no such key in the menu: nothing was sent");
}

static void power_menu_key(struct menu *m, const struct vt_key *k)
{
	const struct key_binding *b = keys_find(k, NULL);
	menu_leave(m);
	for (size_t i = 0; b && i < ARRAY_LEN(power_verbs); i++) {
		if (b == power_key(power_verbs[i])) {
			run_power(m->c, b);
			return;
		}
	}
	console_note(m->c, STYLE_NOTE, "nothing was done");
}

static void sysrq_menu_key(struct menu *m, const struct vt_key *k)
{
	bool letter = k->sym == VT_KEY_CHAR && !k->mods &&
	              ((k->cp >= 'a' && k->cp <= 'z') || (k->cp >= '0' && k->cp <= '9'));
	menu_leave(m);
	if (letter)
		run_sysrq(m->c, k->cp);
	else
		console_note(m->c, STYLE_NOTE, "no letter: nothing was sent");
}

static void ports_menu_key(struct menu *m, const struct vt_key *k)
{
	menu_leave(m);
	if (k->sym == VT_KEY_CHAR && !k->mods && ((k->cp >= '0' && k->cp <= '9') || k->cp == 'o'))
		choose_port(m->c, k->cp);
}

static bool menu_key(struct view *v, const struct vt_key *k)
{
	static void (*const pages[])(struct menu *, const struct vt_key *) = {
	    [PAGE_MAIN] = main_key,
	    [PAGE_POWER] = power_menu_key,
	    [PAGE_SYSRQ] = sysrq_menu_key,
	    [PAGE_PORTS] = ports_menu_key};
	struct menu *m = (struct menu *)v;
	struct console *c = m->c;
	app_dirty(v->app);
	if (console_keys_leaves(&v->app->keys, k)) {
		view_pop(&c->v);
	} else if (k->sym == VT_KEY_ESCAPE || (k->cp == 'c' && k->mods == VT_MOD_CTRL)) {
		menu_leave(m);
	} else if (m->page == PAGE_MAIN && console_keys_opens(&v->app->keys, k)) {
		menu_leave(m);
		if (session_state(c->s) == SESSION_LIVE && !c->scroll.on && c->mine)
			session_key(c->s, k);
	} else {
		pages[m->page](m, k);
	}
	return true;
}

/* --- drawing --- */

struct lines {
	char text[32][80];
	unsigned n;
};

static void add(struct lines *l, const char *key, const char *label)
{
	if (l->n < ARRAY_LEN(l->text))
		snprintf(l->text[l->n++], sizeof(l->text[0]), "%-4s%.70s", key, label);
}

static void main_lines(struct console *c, struct lines *l)
{
	char label[64];
	for (size_t i = 0; i < ARRAY_LEN(menu_keys); i++)
		if (offered(c, &menu_keys[i]))
			add(l, menu_keys[i].key, menu_keys[i].label);
	snprintf(label, sizeof(label), "%s again: sends it", c->v.app->keys.prefix_name);
	add(l, "", label);
}

static void page_lines(struct menu *m, struct lines *l, const char **title)
{
	struct ports p;
	l->n = 0;
	switch (m->page) {
	case PAGE_MAIN:
		*title = "console";
		main_lines(m->c, l);
		break;
	case PAGE_POWER:
		*title = "power";
		for (size_t i = 0; i < ARRAY_LEN(power_verbs); i++)
			if (power_key(power_verbs[i]))
				add(l, power_key(power_verbs[i])->keys[0],
				    power_key(power_verbs[i])->help);
		break;
	case PAGE_SYSRQ:
		*title = "SysRq";
		for (size_t i = 0; i < ARRAY_LEN(sysrq_letters); i++)
			add(l, (char[2]){sysrq_letters[i].letter, '\0'}, sysrq_letters[i].label);
		add(l, "", "or any other letter or digit");
		break;
	case PAGE_PORTS:
		*title = "ports (o the next)";
		ports_look(m->c, &p);
		for (unsigned i = 0; i < p.n; i++, l->n++)
			port_line(&p.port[i], i, l->text[l->n], sizeof(l->text[0]));
		break;
	}
}

static void menu_draw(struct view *v)
{
	struct menu *m = (struct menu *)v;
	struct lines l;
	const char *title = "";
	int width, height, across, each, row, col;
	if (!m->shown) {
		draw_fill(draw_rows() - 1, 0, draw_cols(), STYLE_BAR);
		draw_textf(draw_rows() - 1, 1, draw_cols() - 1, STYLE_BAR_KEY,
		    "%s then: d detach  [ scrollback  w keyboard  ? help  Esc back",
		    v->app->keys.prefix_name);
		return;
	}
	page_lines(m, &l, &title);
	across = m->page == PAGE_MAIN && (int)l.n + 2 > draw_rows() - 1 && draw_cols() >= 2 * WIDTH
	             ? 2
	             : 1;
	each = ((int)l.n + across - 1) / across;
	width = across * WIDTH < draw_cols() ? across * WIDTH : draw_cols();
	if (m->page != PAGE_MAIN)
		width = draw_cols() < WIDTH_PAGE ? draw_cols() : WIDTH_PAGE;
	height = each + 2 < draw_rows() ? each + 2 : draw_rows();
	row = draw_rows() - 1 - height > 0 ? draw_rows() - 1 - height : 0;
	col = draw_cols() - width;
	draw_box(row, col, height, width, STYLE_STRONG);
	draw_textf(row, col + 2, width - 4, STYLE_STRONG, " %s: %s ", session_name(m->c->s), title);
	for (int i = 0; i < (int)l.n; i++)
		if (i % each < height - 2)
			draw_text(row + 1 + i % each, col + 2 + i / each * (WIDTH - 1),
			    across > 1 ? WIDTH - 3 : width - 4, STYLE_NORMAL, l.text[i]);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct menu *m = arg;
	(void)fd, (void)what;
	m->shown = true;
	app_dirty(m->v.app);
}

static void menu_close(struct view *v)
{
	struct menu *m = (struct menu *)v;
	event_free(m->timer);
	free(m);
}

static const struct view_ops ops = {
    .overlay = true, .guest = true, .draw = menu_draw, .key = menu_key, .close = menu_close};

void console_menu_open(struct console *c)
{
	const struct timeval tv = {.tv_usec = SHOW_MS * 1000};
	struct menu *m = xcalloc(1, sizeof(*m));
	m->v.ops = &ops;
	m->c = c;
	m->timer = evtimer_new(loop_base(c->v.app->loop), on_timer, m);
	event_add(m->timer, &tv);
	view_push(c->v.app, &m->v);
}

/* --- help --- */

void console_menu_help(const struct console_keys *keys, struct buf *out)
{
	buf_addf(out, "In a console every key is the guest's but for these\n");
	buf_addf(out, "  %-14s detach at once; so does %s (HVMUX_DETACH, detach_key)\n",
	    keys->escape_name, keys->detach_name);
	if (keys->has_prefix)
		buf_addf(out, "  %-14s the menu; twice sends it (HVMUX_PREFIX, prefix_key)\n",
		    keys->prefix_name);
	buf_addf(out, "  %-14s the scrollback, for keyboards that have it\n", "Shift+PgUp");
	buf_addf(out, "  %-14s take the keyboard over; when it is yours, the scrollback\n", "F11");
	if (keys->has_prefix) {
		buf_addf(out, "\nThe menu: %s, then\n", keys->prefix_name);
		for (size_t i = 0; i < ARRAY_LEN(menu_keys); i++)
			if (known(&menu_keys[i]))
				buf_addf(out, "  %-14s %s\n", menu_keys[i].key, menu_keys[i].help);
	}
	buf_adds(out, "\nIn the scrollback\n");
	console_scroll_help(out);
}
