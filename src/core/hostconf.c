#include "core/hostconf.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/buf.h"
#include "core/file.h"
#include "core/mem.h"
#include "core/str.h"

#define FILE_BYTES_MAX (64u << 10)
#define NAME_BYTES_MAX 64 /* of a user or a group; useradd(8) stops at 32 */
#define KEY_BYTES_MAX 32
#define SHOWN_MAX 60 /* bytes of a wrong value in a message */
#define BLANK " \t\r"

/* --- the keys --- */

enum kind { KIND_NAME, KIND_KEY, KIND_SWITCH, KIND_NUMBER, KIND_CGROUP, KIND_BYTES, KIND_AGE };

static const struct key {
	const char *name;
	enum kind kind;
	size_t offset;
	uint64_t min, max;
} keys[] = {
    {"qemu_user", KIND_NAME, offsetof(struct hostconf, qemu_user), 0, 0},
    {"qemu_group", KIND_NAME, offsetof(struct hostconf, qemu_group), 0, 0},
    {"sandbox", KIND_SWITCH, offsetof(struct hostconf, sandbox), 0, 0},
    {"cgroup", KIND_CGROUP, offsetof(struct hostconf, cgroup), 0, 0},
    {"max_files", KIND_NUMBER, offsetof(struct hostconf, max_files), 1024, 1u << 30},
    {"max_core", KIND_NUMBER, offsetof(struct hostconf, max_core), 0, 1ull << 62},
    {"hook_timeout", KIND_NUMBER, offsetof(struct hostconf, hook_timeout), 1, 3600},
    {"log_file_size", KIND_BYTES, offsetof(struct hostconf, log_file_size), 64u << 10, 1u << 30},
    {"log_files", KIND_NUMBER, offsetof(struct hostconf, log_files), 1, 100},
    {"log_age", KIND_AGE, offsetof(struct hostconf, log_age), 0, 3660u * 86400u},
    {"log_total", KIND_BYTES, offsetof(struct hostconf, log_total), 0, 1ull << 50},
    {"crash_records", KIND_NUMBER, offsetof(struct hostconf, crash_records), 1, 1000},
    {"crash_size", KIND_BYTES, offsetof(struct hostconf, crash_size), 1u << 20, 1ull << 40},
    {"crash_dumps", KIND_NUMBER, offsetof(struct hostconf, crash_dumps), 1, 1000},
    {"operator_group", KIND_NAME, offsetof(struct hostconf, operator_group), 0, 0},
    {"prefix_key", KIND_KEY, offsetof(struct hostconf, prefix_key), 0, 0},
    {"detach_key", KIND_KEY, offsetof(struct hostconf, detach_key), 0, 0},
    {"console_answers", KIND_SWITCH, offsetof(struct hostconf, console_answers), 0, 0},
    {"balloon_reserve", KIND_BYTES, offsetof(struct hostconf, balloon_reserve), 0, 1ull << 50},
    {"trash_days", KIND_NUMBER, offsetof(struct hostconf, trash_days), 0, 36500},
    {"reader_group", KIND_NAME, offsetof(struct hostconf, reader_group), 0, 0},
};

static void set_defaults(struct hostconf *c)
{
	*c = (struct hostconf){
	    .sandbox = true,
	    .console_answers = true,
	    .cgroup = HOSTCONF_CGROUP_ON,
	    .max_files = 65536,
	    .hook_timeout = 30,
	    .log_file_size = 4u << 20,
	    .log_files = 4,
	    .log_total = 64u << 20,
	    .crash_records = 20,
	    .crash_size = 64u << 20,
	    .crash_dumps = 3,
	    .trash_days = 7,
	};
}

/* --- values --- */

struct place {
	const char *file;
	unsigned line;
	struct err *err;
};

static int bad_value(const struct place *at, const char *key, const char *value, const char *want)
{
	CLEANUP_FREE char *shown = str_printable(value, strlen(value), SHOWN_MAX);
	return err_set(at->err, ERR_INVALID, "%s:%u: %s is '%s', not %s", at->file, at->line, key,
	    shown, want);
}

static int set_name(char **to, const struct place *at, const char *key, const char *value)
{
	size_t n = strlen(value);
	if (n == 0 || n > NAME_BYTES_MAX || value[strcspn(value, " \t:,/")] != '\0' ||
	    !str_utf8_valid(value, n))
		return bad_value(at, key, value, "the name of a user or a group");
	free(*to);
	*to = xstrdup(value);
	return 0;
}

/* Which key it is only the terminal's side can tell. */
static int set_key(char **to, const struct place *at, const char *key, const char *value)
{
	size_t n = strlen(value);
	if (n == 0 || n > KEY_BYTES_MAX || !str_utf8_valid(value, n) ||
	    value[strcspn(value, BLANK)])
		return bad_value(at, key, value, "the name of a key, such as Ctrl+A or F12");
	free(*to);
	*to = xstrdup(value);
	return 0;
}

static int set_switch(bool *to, const struct place *at, const char *key, const char *value)
{
	static const char *const words[2][4] = {
	    {"off", "no", "false", "0"}, {"on", "yes", "true", "1"}};
	for (size_t i = 0; i < 8; i++)
		if (strcmp(words[i / 4][i % 4], value) == 0) {
			*to = i >= 4;
			return 0;
		}
	return bad_value(at, key, value, "on or off");
}

static int set_cgroup(unsigned *to, const struct place *at, const char *key, const char *value)
{
	static const char *const words[] = {[HOSTCONF_CGROUP_OFF] = "off",
	    [HOSTCONF_CGROUP_ON] = "on",
	    [HOSTCONF_CGROUP_REQUIRED] = "required"};
	for (unsigned i = 0; i < ARRAY_LEN(words); i++)
		if (strcmp(words[i], value) == 0) {
			*to = i;
			return 0;
		}
	return bad_value(at, key, value, "on, off or required");
}

static int set_number(uint64_t *to, const struct place *at, const struct key *k, const char *value)
{
	if (str_u64(value, k->max, to) == 0 && *to >= k->min)
		return 0;
	CLEANUP_FREE char *want = xasprintf("a whole number from %llu to %llu",
	    (unsigned long long)k->min, (unsigned long long)k->max);
	return bad_value(at, k->name, value, want);
}

/* A number with one letter of `units`, each worth `worth` of its place. */
static int set_scaled(uint64_t *to, const struct place *at, const struct key *k, const char *value,
    const char *units, const uint64_t *worth, const char *want)
{
	CLEANUP_FREE char *digits = xstrdup(value);
	size_t n = strlen(digits);
	const char *unit = n > 1 ? strchr(units, digits[n - 1]) : NULL;
	uint64_t one = unit ? worth[unit - units] : 1, v;
	if (unit)
		digits[n - 1] = '\0';
	if (str_u64(digits, k->max / one, &v) < 0 || v * one < k->min)
		return bad_value(at, k->name, value, want);
	*to = v * one;
	return 0;
}

static int set_bytes(uint64_t *to, const struct place *at, const struct key *k, const char *value)
{
	static const uint64_t worth[] = {1u << 10, 1u << 20, 1u << 30};
	CLEANUP_FREE char *want =
	    xasprintf("a number of bytes from %llu to %llu, with K, M or G behind it if need be",
	        (unsigned long long)k->min, (unsigned long long)k->max);
	return set_scaled(to, at, k, value, "KMG", worth, want);
}

static int set_age(uint64_t *to, const struct place *at, const struct key *k, const char *value)
{
	static const uint64_t worth[] = {60, 3600, 86400, 7 * 86400};
	return set_scaled(to, at, k, value, "mhdw", worth,
	    "a number of seconds of at most ten years, or with m, h, d or w behind it");
}

static int set_value(
    struct hostconf *c, const struct place *at, const struct key *k, const char *value)
{
	void *to = (char *)c + k->offset;
	switch (k->kind) {
	case KIND_NAME:
		return set_name(to, at, k->name, value);
	case KIND_KEY:
		return set_key(to, at, k->name, value);
	case KIND_SWITCH:
		return set_switch(to, at, k->name, value);
	case KIND_CGROUP:
		return set_cgroup(to, at, k->name, value);
	case KIND_BYTES:
		return set_bytes(to, at, k, value);
	case KIND_AGE:
		return set_age(to, at, k, value);
	case KIND_NUMBER:
		break;
	}
	return set_number(to, at, k, value);
}

/* --- lines --- */

/* In place: quotes and what follows them are checked and cut off. NULL: not a value. */
static char *cut_value(char *s)
{
	char *end;
	if (*s == '"') {
		end = strchr(++s, '"');
		if (end == NULL)
			return NULL;
		*end++ = '\0';
	} else {
		end = s + strcspn(s, BLANK "#\"");
		if (*end == '"')
			return NULL;
		if (*end == '#') {
			*end = '\0';
			return s;
		}
		if (*end != '\0')
			*end++ = '\0';
	}
	end += strspn(end, BLANK);
	return *end == '\0' || *end == '#' ? s : NULL;
}

static int parse_line(struct hostconf *c, const struct place *at, char *line)
{
	line += strspn(line, BLANK);
	if (*line == '\0' || *line == '#')
		return 0;
	size_t n = strspn(line, "abcdefghijklmnopqrstuvwxyz0123456789_");
	char *rest = line + n + strspn(line + n, BLANK);
	if (n == 0 || *rest != '=') {
		CLEANUP_FREE char *shown = str_printable(line, strlen(line), SHOWN_MAX);
		return err_set(at->err, ERR_INVALID, "%s:%u: '%s' is not a line 'key = value'",
		    at->file, at->line, shown);
	}
	char *value = cut_value(rest + 1 + strspn(rest + 1, BLANK));
	line[n] = '\0';
	if (value == NULL)
		return err_set(at->err, ERR_INVALID,
		    "%s:%u: %s: one word is wanted behind '=', or one text in double quotes",
		    at->file, at->line, line);
	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		if (strcmp(keys[i].name, line) == 0)
			return set_value(c, at, &keys[i], value);
	return err_set(at->err, ERR_INVALID,
	    "%s:%u: the key '%.60s' is not known; hvmux.conf(5) lists those that are", at->file,
	    at->line, line);
}

int hostconf_parse(
    const char *text, size_t n, const char *file, struct hostconf *c, struct err *err)
{
	struct place at = {.file = file, .err = err};
	*c = (struct hostconf){0};
	if (memchr(text, '\0', n) != NULL)
		return err_set(err, ERR_INVALID, "%s: a NUL byte; it has to be text", file);
	set_defaults(c);
	for (size_t i = 0; i < n;) {
		const char *end = memchr(text + i, '\n', n - i);
		size_t len = end != NULL ? (size_t)(end - (text + i)) : n - i;
		CLEANUP_FREE char *line = xstrndup(text + i, len);
		at.line++;
		if (parse_line(c, &at, line) < 0) {
			hostconf_fini(c);
			return -1;
		}
		i += len + 1;
	}
	return 0;
}

int hostconf_load(const struct home *h, struct hostconf *c, struct err *err)
{
	CLEANUP_FREE char *path = xasprintf("%s/" HOSTCONF_FILE, h->conf);
	CLEANUP_BUF struct buf text = BUF_INIT;
	*c = (struct hostconf){0};
	if (access(path, F_OK) == 0 || errno != ENOENT) {
		if (file_read(path, FILE_BYTES_MAX, &text, err) < 0)
			return -1;
	}
	return hostconf_parse(text.data == NULL ? "" : text.data, text.len, path, c, err);
}

void hostconf_fini(struct hostconf *c)
{
	free(c->qemu_user);
	free(c->qemu_group);
	free(c->operator_group);
	free(c->reader_group);
	free(c->prefix_key);
	free(c->detach_key);
	*c = (struct hostconf){0};
}
