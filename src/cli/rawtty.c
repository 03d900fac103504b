#include "cli/rawtty.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "core/mem.h"

static struct termios saved;
static const char *last_words;
static volatile sig_atomic_t entered;

/* Called by signal handlers, too. */
void rawtty_leave(void)
{
	if (!entered)
		return;
	entered = 0;
	if (last_words && write(STDOUT_FILENO, last_words, strlen(last_words)) < 0)
		last_words = NULL; /* the terminal is gone: so is what it showed */
	/* Not TCSADRAIN: on a terminal that takes no output it would wait for ever. */
	tcsetattr(STDIN_FILENO, TCSANOW, &saved);
}

bool rawtty_entered(void)
{
	return entered;
}

static void die_restored(int sig)
{
	rawtty_leave();
	signal(sig, SIG_DFL);
	raise(sig);
}

void rawtty_enter(const char *farewell)
{
	static const int deadly[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGPIPE};
	struct termios t;
	if (tcgetattr(STDIN_FILENO, &t) < 0)
		return;
	saved = t;
	last_words = farewell;
	entered = 1;
	for (size_t i = 0; i < ARRAY_LEN(deadly); i++)
		signal(deadly[i], die_restored);
	atexit(rawtty_leave);
	cfmakeraw(&t);
	tcsetattr(STDIN_FILENO, TCSADRAIN, &t);
}
