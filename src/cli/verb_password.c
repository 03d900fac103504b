/* set-user-password: the guest's agent changes it. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "cli/live.h"
#include "cli/out.h"
#include "core/mem.h"
#include "core/str.h"
#include "kvm/secret.h"

#define PASSWORD_MAX 1024 /* bytes; longer ones are a file by mistake */

/* --- the password --- */

static int read_line(FILE *from, char out[PASSWORD_MAX], struct err *err)
{
	if (fgets(out, PASSWORD_MAX, from) == NULL)
		return err_set(err, ERR_INVALID, "no password was given");
	size_t n = strlen(out);
	if (n == PASSWORD_MAX - 1 && out[n - 1] != '\n')
		return err_set(
		    err, ERR_INVALID, "a password is at most %d bytes long", PASSWORD_MAX - 2);
	out[strcspn(out, "\n")] = '\0';
	return 0;
}

/* Asked for on the terminal, without being shown. */
static int ask(const char *user, char out[PASSWORD_MAX], struct err *err)
{
	struct termios was, quiet;
	if (tcgetattr(STDIN_FILENO, &was) < 0)
		return err_errno(err, errno, "cannot ask for a password");
	quiet = was;
	quiet.c_lflag &= ~(tcflag_t)ECHO;
	CLEANUP_FREE char *shown = str_printable(user, strlen(user), 64);
	fprintf(stderr, "New password of %s in the guest: ", shown);
	tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet);
	int rc = read_line(stdin, out, err);
	tcsetattr(STDIN_FILENO, TCSANOW, &was);
	fputc('\n', stderr);
	return rc;
}

/* On the heap, for secret_free. */
static char *take_password(const struct cli *c, struct err *err)
{
	const char *given = cli_value(c, "password");
	char line[PASSWORD_MAX] = "";
	if (given != NULL && strcmp(given, "-") != 0)
		return xstrdup(given);
	int rc = isatty(STDIN_FILENO) ? ask(cli_value(c, "user"), line, err)
	                              : read_line(stdin, line, err);
	char *password = rc < 0 ? NULL : xstrdup(line);
	explicit_bzero(line, sizeof(line));
	return password;
}

/* --- the request --- */

/* RFC 4648; on the heap, for secret_free. */
static char *base64(const char *text)
{
	static const char digits[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	size_t n = strlen(text), k = 0;
	char *out = xmalloc((n + 2) / 3 * 4 + 1);
	for (size_t i = 0; i < n; i += 3) {
		unsigned v = (unsigned)(unsigned char)text[i] << 16;
		v |= i + 1 < n ? (unsigned)(unsigned char)text[i + 1] << 8 : 0u;
		v |= i + 2 < n ? (unsigned)(unsigned char)text[i + 2] : 0u;
		out[k++] = digits[v >> 18 & 63];
		out[k++] = digits[v >> 12 & 63];
		out[k++] = i + 1 < n ? digits[v >> 6 & 63] : '=';
		out[k++] = i + 2 < n ? digits[v & 63] : '=';
	}
	out[k] = '\0';
	return out;
}

static int set_password(struct live *l, const char *password, struct err *err)
{
	const struct cli *c = l->c;
	char *encoded = base64(password);
	struct json_object *args = json_object_new_object();
	json_object_object_add(args, "username", json_object_new_string(cli_value(c, "user")));
	json_object_object_add(args, "password", json_object_new_string(encoded));
	out_add_bool(args, "crypted", cli_flag(c, "encrypted"));
	secret_free(encoded);
	return live_agent(l, "guest-set-user-password", args, 0, false, NULL, err);
}

int verb_set_user_password(struct cli *c)
{
	struct err err = {0};
	struct live l;
	int rc = live_open(c, &l, &err);
	char *password = rc < 0 ? NULL : take_password(c, &err);
	if (password != NULL)
		rc = set_password(&l, password, &err);
	if (rc == 0 && password != NULL) {
		c->bare = true;
		out_message(
		    c, "Password set successfully for %s in %s", cli_value(c, "user"), l.name);
	}
	bool done = rc == 0 && password != NULL;
	secret_free(password);
	live_fini(&l);
	return done ? CLI_DONE : live_failed(NULL, &err);
}
