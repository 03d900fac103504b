/* rawtty: this process's terminal without line editing, given back on every way out, a deadly signal's too. */
#ifndef CLI_RAWTTY_H
#define CLI_RAWTTY_H

#include <stdbool.h>

/* farewell: written to standard output before it is given back ("\033[?1049l"); a constant, or NULL. */
void rawtty_enter(const char *farewell);
void rawtty_leave(void);
bool rawtty_entered(void);

#endif
