/* Capabilities as text, and the questions asked of them. Everything here is pure: caps.c asks QEMU and keeps the cache. The
 * text is read at every start, so it is one that takes 50 µs, where JSON took a millisecond: lines "WORD VALUE" in a fixed
 * order, a list as "WORD NUMBER" and one line for each, sorted. */
#include "kvm/caps.h"

#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "core/str.h"

#define CAPS_TEXT_FORMAT "1" /* another one is asked for anew */
#define CAPS_NAMES_MAX 16384 /* QEMU 9 lists some 1,100 devices and 400 commands */
#define CAPS_CPUS_MAX 65536  /* of a machine */
#define CAPS_VALUE_MAX 4096  /* bytes: a path */

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool has_name(const struct caps_names *l, const char *name)
{
	return name != NULL && l->n > 0 &&
	       bsearch(&name, l->name, l->n, sizeof l->name[0], compare_names) != NULL;
}

bool caps_has_device(const struct caps *c, const char *name)
{
	return has_name(&c->devices, name);
}

bool caps_has_cpu(const struct caps *c, const char *name)
{
	return has_name(&c->cpus, name);
}

bool caps_has_cpu_feature(const struct caps *c, const char *name)
{
	return has_name(&c->cpu_features, name);
}

bool caps_has_command(const struct caps *c, const char *name)
{
	return has_name(&c->commands, name);
}

const struct caps_machine *caps_machine(const struct caps *c, const char *name_or_alias)
{
	if (name_or_alias == NULL)
		return NULL;
	for (size_t i = 0; i < c->n_machines; i++) {
		const struct caps_machine *m = &c->machines[i];
		if (strcmp(m->name, name_or_alias) == 0 || str_eq(m->alias, name_or_alias))
			return m;
	}
	return NULL;
}

void caps_fini(struct caps *c)
{
	free(c->machines);
	free(c->devices.name);
	free(c->cpus.name);
	free(c->cpu_features.name);
	free(c->commands.name);
	free(c->text);
	*c = (struct caps){0};
}

/* --- reading --- */

/* The next line of *p, without its end; NULL: there is no whole one. */
static char *take_line(char **p)
{
	char *line = *p, *end = strchr(line, '\n');
	if (end == NULL)
		return NULL;
	*end = '\0';
	*p = end + 1;
	return line;
}

/* The value of the next line, which has to begin with this word. */
static char *take_value(char **p, const char *word, struct err *err)
{
	char *line = take_line(p);
	size_t n = strlen(word);
	if (line != NULL && strncmp(line, word, n) == 0 && line[n] == ' ')
		return line + n + 1;
	err_set(err, ERR_INVALID, "capabilities: no \"%s\" where it should be", word);
	return NULL;
}

static int take_number(char **p, const char *word, uint64_t max, uint64_t *number, struct err *err)
{
	const char *value = take_value(p, word, err);
	if (value == NULL)
		return -1;
	if (str_u64(value, max, number) == 0)
		return 0;
	return err_set(err, ERR_INVALID, "capabilities: \"%s\" is no number up to %llu", word,
	    (unsigned long long)max);
}

static int take_flag(char **p, const char *word, bool *flag, struct err *err)
{
	uint64_t number = 0;
	int rc = take_number(p, word, 1, &number, err);
	*flag = number != 0;
	return rc;
}

static int take_names(char **p, const char *word, struct caps_names *l, struct err *err)
{
	uint64_t n = 0;
	if (take_number(p, word, CAPS_NAMES_MAX, &n, err) < 0)
		return -1;
	l->name = xcalloc(n + 1, sizeof(*l->name));
	for (; l->n < n; l->n++) {
		char *line = take_line(p);
		if (line == NULL || line[0] == '\0')
			return err_set(
			    err, ERR_INVALID, "capabilities: \"%s\" ends too early", word);
		l->name[l->n] = line;
		if (l->n > 0 && strcmp(l->name[l->n - 1], line) > 0)
			return err_set(
			    err, ERR_INVALID, "capabilities: \"%s\" is not in order", word);
	}
	return 0;
}

/* "288 pc-q35-7.2 q35": most processors, name, perhaps another name. */
static int take_machine(char *line, struct caps_machine *m)
{
	char *name = line == NULL ? NULL : strchr(line, ' ');
	uint64_t cpus = 0;
	if (name == NULL)
		return -1;
	*name++ = '\0';
	char *alias = strchr(name, ' ');
	if (alias != NULL)
		*alias++ = '\0';
	if (str_u64(line, CAPS_CPUS_MAX, &cpus) < 0 || cpus == 0 || name[0] == '\0')
		return -1;
	*m = (struct caps_machine){.name = name, .alias = alias, .cpus_max = (unsigned)cpus};
	return 0;
}

static int take_machines(char **p, struct caps *c, struct err *err)
{
	uint64_t n = 0;
	if (take_number(p, "machines", CAPS_NAMES_MAX, &n, err) < 0)
		return -1;
	c->machines = xcalloc(n + 1, sizeof *c->machines);
	for (; c->n_machines < n; c->n_machines++)
		if (take_machine(take_line(p), &c->machines[c->n_machines]) < 0)
			return err_set(err, ERR_INVALID,
			    "capabilities: \"machines\"[%zu] is malformed", c->n_machines);
	return 0;
}

static int take_all(char *p, struct caps *c, struct err *err)
{
	uint64_t version = 0;
	const char *format = take_value(&p, "hvmux-caps", err);
	if (format == NULL)
		return -1;
	if (strcmp(format, CAPS_TEXT_FORMAT) != 0)
		return err_set(err, ERR_INVALID, "capabilities: not of format " CAPS_TEXT_FORMAT);
	if ((c->binary = take_value(&p, "binary", err)) == NULL ||
	    (c->target = take_value(&p, "target", err)) == NULL ||
	    take_number(&p, "version", 99999999, &version, err) < 0 ||
	    (c->package = take_value(&p, "package", err)) == NULL ||
	    take_flag(&p, "kvm_built", &c->kvm_built, err) < 0 ||
	    take_flag(&p, "sandbox", &c->sandbox, err) < 0 || take_machines(&p, c, err) < 0 ||
	    take_names(&p, "devices", &c->devices, err) < 0 ||
	    take_names(&p, "cpus", &c->cpus, err) < 0 ||
	    take_names(&p, "cpu_features", &c->cpu_features, err) < 0 ||
	    take_names(&p, "commands", &c->commands, err) < 0)
		return -1;
	c->version = (unsigned)version;
	return 0;
}

int caps_parse(const char *text, size_t n, struct caps *c, struct err *err)
{
	*c = (struct caps){.text = xstrndup(text, n)};
	if (take_all(c->text, c, err) == 0)
		return 0;
	caps_fini(c);
	return -1;
}

/* --- writing --- */

/* What would not come back as it was is left out: no QEMU has such a name. */
static bool is_word(const char *s)
{
	for (const unsigned char *p = (const unsigned char *)s; *p != '\0'; p++)
		if (*p <= ' ' || *p == 0x7f)
			return false;
	return s[0] != '\0';
}

void caps_add_value(struct buf *text, const char *word, const char *value)
{
	CLEANUP_FREE char *line = str_printable(value, strlen(value), CAPS_VALUE_MAX);
	buf_addf(text, "%s %s\n", word, line);
}

void caps_add_names(struct buf *text, const char *word, const char **names, size_t n)
{
	size_t kept = 0;
	for (size_t i = 0; i < n && kept < CAPS_NAMES_MAX; i++)
		if (is_word(names[i]))
			names[kept++] = names[i];
	if (kept > 0)
		qsort(names, kept, sizeof(*names), compare_names);
	buf_addf(text, "%s %zu\n", word, kept);
	for (size_t i = 0; i < kept; i++)
		buf_addf(text, "%s\n", names[i]);
}

void caps_add_machines(struct buf *text, const struct caps_machine *m, size_t n)
{
	CLEANUP_BUF struct buf lines = BUF_INIT;
	size_t kept = 0;
	for (size_t i = 0; i < n && kept < CAPS_NAMES_MAX; i++) {
		bool known = is_word(m[i].name) && (m[i].alias == NULL || is_word(m[i].alias));
		if (!known || m[i].cpus_max < 1 || m[i].cpus_max > CAPS_CPUS_MAX)
			continue;
		buf_addf(&lines, "%u %s%s%s\n", m[i].cpus_max, m[i].name,
		    m[i].alias == NULL ? "" : " ", m[i].alias == NULL ? "" : m[i].alias);
		kept++;
	}
	buf_addf(text, "machines %zu\n%s", kept, lines.len > 0 ? lines.data : "");
}
