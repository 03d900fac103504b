/* Words of a command line: from text as a shell would read it, or from a process. */
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/file.h"
#include "core/mem.h"
#include "core/str.h"
#include "kvm/native.h"

/* --- lists of words --- */
struct words {
	char **w;
	size_t n;
};

static void words_add(struct words *l, char *word)
{
	if ((l->n & (l->n + 1)) == 0) /* full at every 2^k - 1: one more place for the NULL */
		l->w = xreallocarray(l->w, (l->n + 1) * 2, sizeof *l->w);
	l->w[l->n++] = word;
	l->w[l->n] = NULL;
}

static void words_fini(struct words *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->w[i]);
	free(l->w);
	*l = (struct words){0};
}

void native_cmd_fini(struct native_cmd *cmd)
{
	struct words words = {cmd->words, cmd->n}, env = {cmd->env, cmd->n_env};
	words_fini(&words);
	words_fini(&env);
	free(cmd->cwd);
	*cmd = (struct native_cmd){0};
}

/* --- a shell's words --- */
struct reader {
	const char *begin, *s, *end;
	unsigned line;
	struct err *err;
};

static int fail_at(struct reader *r, const char *words)
{
	return err_set(r->err, ERR_INVALID, "line %u: %s", r->line, words);
}

static int read_single(struct reader *r, struct buf *word)
{
	for (r->s++; r->s < r->end && *r->s != '\''; r->s++) {
		r->line += *r->s == '\n';
		buf_addc(word, *r->s);
	}
	return r->s++ < r->end ? 0 : fail_at(r, "a quote ' without its end");
}

static int read_variable(struct reader *r)
{
	return fail_at(r, "a shell variable or command substitution: write its value instead");
}

static int read_double(struct reader *r, struct buf *word)
{
	for (r->s++; r->s < r->end && *r->s != '"'; r->s++) {
		if (*r->s == '`' || (*r->s == '$' && r->s + 1 < r->end && strchr("({_", r->s[1])) ||
		    (*r->s == '$' && r->s + 1 < r->end && isalnum((unsigned char)r->s[1])))
			return read_variable(r);
		if (*r->s == '\\' && r->s + 1 < r->end && strchr("$`\"\\\n", r->s[1]) != NULL) {
			r->s++;
			if (*r->s == '\n') {
				r->line++;
				continue;
			}
		}
		r->line += *r->s == '\n';
		buf_addc(word, *r->s);
	}
	return r->s++ < r->end ? 0 : fail_at(r, "a quote \" without its end");
}

/* $'…' as bash and libvirt's logs write what is not printable. */
static int read_ansi(struct reader *r, struct buf *word)
{
	static const char from[] = "abefnrtv", to[] = "\a\b\033\f\n\r\t\v";
	for (r->s += 2; r->s < r->end && *r->s != '\''; r->s++) {
		if (*r->s != '\\' || r->s + 1 == r->end) {
			buf_addc(word, *r->s);
			continue;
		}
		const char *known = strchr(from, *++r->s);
		if (*r->s >= '0' && *r->s <= '7') {
			unsigned v = 0, digits = 0;
			for (; digits < 3 && r->s < r->end && *r->s >= '0' && *r->s <= '7';
			     digits++)
				v = v * 8 + (unsigned)(*r->s++ - '0');
			r->s--;
			buf_addc(word, (char)(unsigned char)v);
		} else {
			buf_addc(word, known != NULL && *known != '\0' ? to[known - from] : *r->s);
		}
	}
	return r->s++ < r->end ? 0 : fail_at(r, "a quote $' without its end");
}

static bool ends_word(char c)
{
	return strchr(" \t\r\n;&|()<>", c) != NULL && c != '\0';
}

/* One word into *word. */
static int read_word(struct reader *r, struct buf *word)
{
	while (r->s < r->end && !ends_word(*r->s)) {
		int rc = 0;
		if (*r->s == '\0')
			return fail_at(r, "a NUL byte");
		if (*r->s == '\'') {
			rc = read_single(r, word);
		} else if (*r->s == '"') {
			rc = read_double(r, word);
		} else if (*r->s == '$' && r->s + 1 < r->end && r->s[1] == '\'') {
			rc = read_ansi(r, word);
		} else if (*r->s == '`' || (*r->s == '$' && r->s + 1 < r->end &&
		                               (isalnum((unsigned char)r->s[1]) ||
		                                   strchr("({_", r->s[1]) != NULL))) {
			rc = read_variable(r);
		} else if (*r->s == '\\' && r->s + 1 < r->end) {
			r->s++;
			if (*r->s == '\n')
				r->line++;
			else
				buf_addc(word, *r->s);
			r->s++;
		} else {
			buf_addc(word, *r->s++);
		}
		if (rc < 0)
			return -1;
	}
	return 0;
}

/* --- which command is QEMU --- */
static const char *base_of(const char *path)
{
	const char *slash = strrchr(path, '/');
	return slash != NULL ? slash + 1 : path;
}

static bool is_qemu(const char *word)
{
	const char *base = base_of(word);
	return str_prefix(base, "qemu-system-") || strcmp(base, "qemu-kvm") == 0 ||
	       strcmp(base, "kvm") == 0 || strcmp(base, "qemu") == 0;
}

static bool is_assignment(const char *word)
{
	size_t n = strspn(word, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_0123456789");
	return n > 0 && !isdigit((unsigned char)word[0]) && word[n] == '=';
}

/* Programs that run the command after them; their own options go with them. */
static bool is_wrapper(const char *word)
{
	static const char *const names[] = {"sudo", "exec", "env", "nohup", "nice", "ionice",
	    "setsid", "taskset", "numactl", "chrt", "command", "time", "doas", "\\"};
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (strcmp(base_of(word), names[i]) == 0)
			return true;
	return false;
}

/* The words of one command become *cmd when it is a QEMU; they are used up. */
static void take_command(struct words *l, struct native_cmd *cmd)
{
	size_t first = 0;
	bool wrapped = false;
	while (first < l->n && !is_qemu(l->w[first])) {
		wrapped = wrapped || is_wrapper(l->w[first]);
		if (!wrapped && !is_assignment(l->w[first]))
			break;
		first++;
	}
	if (first < l->n && is_qemu(l->w[first])) {
		struct words words = {0}, env = {0};
		for (size_t i = 0; i < l->n; i++) {
			if (i < first && !is_assignment(l->w[i]))
				free(l->w[i]);
			else
				words_add(i < first ? &env : &words, l->w[i]);
		}
		l->n = 0;
		native_cmd_fini(cmd);
		*cmd = (struct native_cmd){
		    .words = words.w, .n = words.n, .env = env.w, .n_env = env.n};
	}
	words_fini(l);
}

/* libvirt's log of a domain has lines of prose beside the command, each with its time. */
static bool is_prose(const struct reader *r)
{
	static const char form[] = "0000-00-00 00:00:00";
	for (size_t i = 0; form[i] != '\0'; i++) {
		if (r->s + i >= r->end)
			return false;
		if (form[i] == '0' ? !isdigit((unsigned char)r->s[i]) : r->s[i] != form[i])
			return false;
	}
	return true;
}

static void skip_line(struct reader *r)
{
	while (r->s < r->end && *r->s != '\n')
		r->s++;
}

/* ">file", "2>&1", "<&-": not the command's. A number before it went into the words already. */
static int skip_redirection(struct reader *r, struct words *l, bool glued)
{
	CLEANUP_BUF struct buf target = BUF_INIT;
	const char *last = l->n > 0 ? l->w[l->n - 1] : "x";
	if (glued && last[strspn(last, "0123456789")] == '\0') {
		free(l->w[--l->n]);
		l->w[l->n] = NULL;
	}
	while (r->s < r->end && strchr("<>&|", *r->s) != NULL && *r->s != '\0')
		r->s++;
	while (r->s < r->end && (*r->s == ' ' || *r->s == '\t'))
		r->s++;
	return read_word(r, &target);
}

/* Up to the command's end. A line that is not closed is prose when no QEMU was seen in it. */
static int read_command(struct reader *r, struct words *l)
{
	while (r->s < r->end) {
		CLEANUP_BUF struct buf word = BUF_INIT;
		if (*r->s == '#' || (l->n == 0 && is_prose(r))) {
			skip_line(r);
			continue;
		}
		if (*r->s == '\\' && r->s + 1 < r->end && (r->s[1] == '\n' || r->s[1] == '\r')) {
			r->s += r->s[1] == '\r' && r->s + 2 < r->end && r->s[2] == '\n' ? 3 : 2;
			r->line++;
			continue;
		}
		if (*r->s == ' ' || *r->s == '\t' || *r->s == '\r') {
			r->s++;
			continue;
		}
		if (*r->s == '<' || *r->s == '>') {
			bool glued = r->s > r->begin && !ends_word(r->s[-1]);
			if (skip_redirection(r, l, glued) < 0)
				return -1;
			continue;
		}
		if (ends_word(*r->s))
			return 0;
		if (read_word(r, &word) < 0)
			return -1;
		if (l->n == NATIVE_WORDS_MAX)
			return fail_at(r, "too many words");
		words_add(l, buf_take(&word));
	}
	return 0;
}

static bool has_qemu(const struct words *l)
{
	for (size_t i = 0; i < l->n; i++)
		if (is_qemu(l->w[i]))
			return true;
	return false;
}

int native_split(const char *text, size_t n, struct native_cmd *cmd, struct err *err)
{
	struct err why;
	struct reader r = {text, text, text + n, 1, &why};
	struct words l = {0};
	*cmd = (struct native_cmd){0};
	while (r.s < r.end) {
		if (read_command(&r, &l) < 0) {
			bool ours = has_qemu(&l);
			words_fini(&l);
			if (ours) {
				native_cmd_fini(cmd);
				return err_set(err, why.code, "%s", why.msg);
			}
			skip_line(&r);
		}
		take_command(&l, cmd);
		if (r.s < r.end) {
			r.line += *r.s == '\n';
			r.s++;
		}
	}
	if (cmd->n > 0)
		return 0;
	return err_set(err, ERR_INVALID,
	    "no QEMU command in it: the program's name must be qemu-system-ARCH, qemu-kvm or kvm");
}

/* --- a process --- */
static char *read_link(pid_t pid, const char *file)
{
	CLEANUP_FREE char *path = xasprintf("/proc/%d/%s", (int)pid, file);
	char target[PATH_MAX];
	ssize_t n = readlink(path, target, sizeof target - 1);
	return n > 0 ? xstrndup(target, (size_t)n) : NULL;
}

/* A QEMU that made itself a daemon has gone to "/" since; the shell that started it told where it was. */
static char *starting_folder(pid_t pid, const struct words *l)
{
	CLEANUP_BUF struct buf env = BUF_INIT;
	CLEANUP_FREE char *path = xasprintf("/proc/%d/environ", (int)pid);
	bool daemon = false;
	for (size_t i = 0; i < l->n; i++)
		daemon = daemon || strcmp(l->w[i], "-daemonize") == 0 ||
		         strcmp(l->w[i], "--daemonize") == 0;
	if (daemon && file_read(path, NATIVE_TEXT_MAX, &env, NULL) == 0)
		for (size_t at = 0; at < env.len; at += strlen(env.data + at) + 1)
			if (str_prefix(env.data + at, "PWD=/"))
				return xstrdup(env.data + at + 4);
	return read_link(pid, "cwd");
}

int native_process(pid_t pid, struct native_cmd *cmd, struct err *err)
{
	CLEANUP_BUF struct buf text = BUF_INIT;
	CLEANUP_FREE char *path = xasprintf("/proc/%d/cmdline", (int)pid);
	struct words l = {0};
	*cmd = (struct native_cmd){0};
	if (access(path, F_OK) < 0)
		return err_set(err, ERR_NOT_FOUND, "there is no process %d", (int)pid);
	if (file_read(path, NATIVE_TEXT_MAX, &text, err) < 0)
		return -1;
	for (size_t at = 0; at < text.len && l.n < NATIVE_WORDS_MAX;
	     at += strlen(text.data + at) + 1)
		words_add(&l, xstrdup(text.data + at));
	CLEANUP_FREE char *exe = read_link(pid, "exe");
	bool qemu = l.n > 0 && (is_qemu(l.w[0]) || (exe != NULL && is_qemu(exe)));
	if (!qemu) {
		err_set(err, ERR_INVALID, "process %d is no QEMU: it is '%s'", (int)pid,
		    exe != NULL ? exe
		    : l.n > 0   ? l.w[0]
		                : "a kernel thread");
		words_fini(&l);
		return -1;
	}
	/* A relative name means nothing to anybody else. */
	if (exe != NULL && l.w[0][0] != '/' && strstr(exe, " (deleted)") == NULL) {
		free(l.w[0]);
		l.w[0] = TAKE_PTR(exe);
	}
	*cmd = (struct native_cmd){.words = l.w, .n = l.n, .cwd = starting_folder(pid, &l)};
	return 0;
}
