/* console_session: one console as a view shows it: the attachment, its terminal, its time marks; comes back by itself
 * when the supervisor does, and goes on where it stood. A view draws it; it draws nothing. Used by the attached console
 * and by the tiles of the wall. Owner: the view. */
#ifndef TUI_CONSOLE_SESSION_H
#define TUI_CONSOLE_SESSION_H

#include <stdbool.h>
#include <stdint.h>

#include "core/err.h"
#include "core/home.h"
#include "core/loop.h"
#include "serial/console_client.h"
#include "serial/vt_keys.h"
#include "serial/vt_screen.h"

enum session_state {
	SESSION_LIVE,
	SESSION_LOST, /* the supervisor went; the VM may still be there: tried again every second */
	SESSION_ENDED, /* the VM is off: its last screen stays */
};

struct console_session;

struct session_ops {
	void (*changed)(void *arg); /* something that is drawn: screen, who, state, words */
	void (*fed)(
	    void *arg); /* the screen alone, by output; NULL: changed is called for it, too */
	void (*asked)(void *arg, const char *who); /* somebody would like our keyboard */
	void (*bell)(void *arg);                   /* of live output, rate-limited */
	void (*output)(
	    void *arg, const uint8_t *p, size_t n); /* live bytes of the guest; may be NULL */
	void (*typable)(void *arg); /* keys that were refused for want of room can come again */
};

struct session_options {
	unsigned index; /* consoleN */
	unsigned flags; /* CONSOLE_* */
	unsigned
	    scrollback; /* lines, 0..VT_SCROLLBACK_MAX; the definition's metadata goes before it, and before answers */
	bool readonly; /* asks no supervisor to come back */
	bool answers;  /* the terminal answers the guest's queries while the keyboard is ours */
};

/* Never fails: a console that cannot be attached is SESSION_LOST or SESSION_ENDED, in words. rows, cols: of the place
 * where it is drawn. name is copied. */
struct console_session *session_open(struct loop *l, const struct home *h, const char *name,
    const struct session_options *o, unsigned rows, unsigned cols, const struct session_ops *ops,
    void *arg);
/* May be called from inside its own callbacks. */
void session_close(struct console_session *s);
/* Once a second. */
void session_tick(struct console_session *s);
/* The place's size. It becomes the guest's screen while the keyboard is ours or nobody's. */
void session_resize(struct console_session *s, unsigned rows, unsigned cols);

enum session_state session_state(const struct console_session *s);
const char *session_words(const struct console_session *s); /* why it is not live; "" */
bool session_silent(const struct console_session *s);       /* QEMU or supervisor does not answer */
const char *session_name(const struct console_session *s);
const char *session_port(const struct console_session *s); /* "serial0", "hvc1" */
struct vt_screen *session_screen(struct console_session *s);
/* who->watchers stay until the next changed(). */
const struct console_who *session_who(const struct console_session *s);
uint64_t session_lost(const struct console_session *s); /* bytes skipped */

/* True when taken. False: the guest does not read; typable comes when there is room. Without the keyboard nothing is
 * taken, and true is returned. */
bool session_key(struct console_session *s, const struct vt_key *k);
bool session_send(struct console_session *s, const void *p, size_t n);
/* Bytes that were given to it and wait for the guest. */
size_t session_unsent(const struct console_session *s);
void session_take(struct console_session *s);
void session_release(struct console_session *s);
void session_ask(struct console_session *s);

#endif
