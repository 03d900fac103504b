#include "core/definition_index.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <uuid/uuid.h>

#include "core/buf.h"
#include "core/domain.h"
#include "core/file.h"
#include "core/mem.h"
#include "core/store.h"
#include "core/str.h"

#define FORMAT "hvmux-definitions 1"
#define CACHE_MAX (64u << 20) /* bytes; 5,000 definitions take 1 MiB */
/* A file changed twice within a tick of the kernel's clock has the same change time; the coarsest is 10 ms. */
#define SETTLE_NS 1000000000
#define RENEW_AT 32u /* so many read anew cost as much as writing the cache */

static int64_t now_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_REALTIME, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void facts_fini(struct definition_facts *f)
{
	for (size_t i = 0; i < f->n_macs; i++)
		free(f->macs[i]);
	free(f->macs);
	free(f->name);
	free(f->inside);
}

void definition_index_fini(struct definition_index *index)
{
	for (size_t i = 0; i < index->n; i++)
		facts_fini(&index->facts[i]);
	free(index->facts);
	*index = (struct definition_index){0};
}

static char *cache_path(const struct home *h)
{
	return home_data_file(h, "caches", "definitions");
}

/* FNV-1a: against torn writes, not against enemies, who could write the definitions themselves. */
static uint64_t sum(const char *s, size_t n)
{
	uint64_t hash = 14695981039346656037ull;
	for (size_t i = 0; i < n; i++)
		hash = (hash ^ (unsigned char)s[i]) * 1099511628211ull;
	return hash;
}

/* --- writing: a line each, "ino size changed uuid name\tinside\tmac mac …" --- */
static void format_facts(const struct definition_facts *f, struct buf *out)
{
	char uuid[37] = "-";
	if (f->has_uuid)
		uuid_unparse_lower(f->uuid, uuid);
	buf_addu(out, f->ino);
	buf_addc(out, ' ');
	buf_addu(out, f->size);
	buf_addc(out, ' ');
	buf_addu(out, (uint64_t)f->changed_ns);
	buf_addf(out, " %s %s\t%s\t", uuid, f->name, f->inside ? f->inside : "");
	for (size_t i = 0; i < f->n_macs; i++)
		buf_addf(out, "%s ", f->macs[i]);
	buf_addc(out, '\n');
}

/* A cache that is not written is a cache that is not there. Not synced: a torn one is seen by its sum. */
static void write_cache(const struct home *h, const struct definition_index *index)
{
	CLEANUP_FREE char *path = cache_path(h), *dir = home_data_file(h, "caches", ".");
	CLEANUP_FREE char *tmp = xasprintf("%s.%d", path, (int)getpid());
	CLEANUP_BUF struct buf text = BUF_INIT;
	buf_addf(&text, FORMAT " %lld\n", (long long)index->looked_ns);
	for (size_t i = 0; i < index->n; i++)
		if (index->facts[i].n_macs <= DEFINITION_INDEX_MACS_MAX)
			format_facts(&index->facts[i], &text);
	buf_addf(&text, "sum %llu\n", (unsigned long long)sum(text.data, text.len));
	if (text.len > CACHE_MAX || home_mkdir(h, dir, NULL) < 0)
		return;
	CLEANUP_CLOSE int fd = open(tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0)
		return;
	if (fd_write_all(fd, text.data, text.len) < 0 || rename(tmp, path) < 0)
		unlink(tmp);
}

/* --- reading --- */
/* Cuts off the part before `end`, NULL when there is none. */
static char *cut(char **at, char end)
{
	char *part = *at, *stop = strchr(part, end);
	if (!stop)
		return NULL;
	*stop = '\0';
	*at = stop + 1;
	return part;
}

static bool cut_number(char **at, uint64_t *out)
{
	const char *word = cut(at, ' ');
	return word && str_u64(word, INT64_MAX, out) == 0;
}

static bool parse_facts(char *line, struct definition_facts *f)
{
	uint64_t changed = 0;
	*f = (struct definition_facts){0};
	if (!cut_number(&line, &f->ino) || !cut_number(&line, &f->size) ||
	    !cut_number(&line, &changed))
		return false;
	f->changed_ns = (int64_t)changed;
	const char *uuid = cut(&line, ' '), *name = cut(&line, '\t'), *inside = cut(&line, '\t');
	if (!uuid || !name || !inside || name_check("domain", name, NULL) < 0)
		return false;
	f->has_uuid = strcmp(uuid, "-") != 0;
	if (f->has_uuid && uuid_parse(uuid, f->uuid) < 0)
		return false;
	f->macs = xcalloc(DEFINITION_INDEX_MACS_MAX, sizeof(*f->macs));
	for (char *mac; (mac = cut(&line, ' ')) && f->n_macs < DEFINITION_INDEX_MACS_MAX;)
		f->macs[f->n_macs++] = xstrdup(mac);
	f->name = xstrdup(name);
	f->inside = *inside ? xstrdup(inside) : NULL;
	return true;
}

/* The sum of the last line over all before it; cuts that line off. */
static bool sum_is_right(struct buf *text)
{
	char *last = text->len > 1 ? memrchr(text->data, '\n', text->len - 1) : NULL;
	uint64_t want;
	if (!last || !str_prefix(last + 1, "sum ") || memchr(text->data, 0, text->len))
		return false;
	text->data[text->len - 1] = '\0';
	size_t n = (size_t)(last + 1 - text->data);
	bool right = str_u64(last + 5, UINT64_MAX, &want) == 0 && want == sum(text->data, n);
	text->data[n] = '\0';
	text->len = n;
	return right;
}

static void read_cache(const struct home *h, struct definition_index *old)
{
	CLEANUP_FREE char *path = cache_path(h);
	CLEANUP_BUF struct buf text = BUF_INIT;
	uint64_t looked;
	*old = (struct definition_index){0};
	if (file_read(path, CACHE_MAX, &text, NULL) < 0 || !text.data || !sum_is_right(&text))
		return;
	char *at = text.data, *head = cut(&at, '\n');
	if (!head || !str_prefix(head, FORMAT " ") ||
	    str_u64(head + strlen(FORMAT " "), INT64_MAX, &looked) < 0)
		return;
	old->looked_ns = (int64_t)looked;
	size_t room = 0;
	for (char *line; (line = cut(&at, '\n'));) {
		if (old->n == room) {
			room = room ? room * 2 : 64;
			old->facts = xreallocarray(old->facts, room, sizeof(*old->facts));
		}
		if (!parse_facts(line, &old->facts[old->n])) {
			definition_index_fini(old);
			return;
		}
		old->n++;
	}
}

/* --- looking --- */
static void read_definition(const struct home *h, struct definition_facts *f)
{
	struct domain d;
	CLEANUP_BUF struct buf xml = BUF_INIT;
	if (store_read(h, f->name, &xml, NULL) < 0 || xml.len == 0 ||
	    domain_parse(xml.data, xml.len, f->name, DOMAIN_PARSE_LENIENT, &d, NULL, NULL) < 0)
		return;
	f->inside = xstrdup0(d.name);
	f->has_uuid = d.has_uuid;
	memcpy(f->uuid, d.uuid, sizeof(f->uuid));
	f->macs = xcalloc(d.n_nets + 1, sizeof(*f->macs));
	for (size_t i = 0; i < d.n_nets; i++)
		if (d.nets[i].mac)
			f->macs[f->n_macs++] = xstrdup(d.nets[i].mac);
	domain_fini(&d);
}

/* Both in strcmp's order: *at only goes on. */
static struct definition_facts *find_old(struct definition_index *old, size_t *at, const char *name)
{
	while (*at < old->n && old->facts[*at].name && strcmp(old->facts[*at].name, name) < 0)
		(*at)++;
	bool found =
	    *at < old->n && old->facts[*at].name && strcmp(old->facts[*at].name, name) == 0;
	return found ? &old->facts[(*at)++] : NULL;
}

static bool still_true(
    const struct definition_facts *o, const struct definition_facts *f, int64_t looked)
{
	return o->ino == f->ino && o->size == f->size && o->changed_ns == f->changed_ns &&
	       f->changed_ns + SETTLE_NS < looked;
}

static void look(const struct home *h, int dir, const char *name, struct definition_index *old,
    size_t *at, struct definition_index *index)
{
	struct stat st;
	CLEANUP_FREE char *file = xasprintf("%s.xml", name);
	struct definition_facts *f = &index->facts[index->n];
	if (fstatat(dir, file, &st, 0) < 0)
		return;
	*f = (struct definition_facts){.ino = st.st_ino,
	    .size = (uint64_t)st.st_size,
	    .changed_ns = (int64_t)st.st_ctim.tv_sec * 1000000000 + st.st_ctim.tv_nsec};
	struct definition_facts *o = find_old(old, at, name);
	index->n++;
	if (o && still_true(o, f, old->looked_ns)) {
		*f = *o;
		*o = (struct definition_facts){.name = xstrdup(name)};
		return;
	}
	f->name = xstrdup(name);
	read_definition(h, f);
	index->fresh++;
}

int definition_index_read(
    const struct home *h, bool use_cache, struct definition_index *index, struct err *err)
{
	char **names;
	size_t n, at = 0;
	struct definition_index old = {0};
	CLEANUP_FREE char *path = home_domains_dir(h);
	*index = (struct definition_index){.looked_ns = now_ns()};
	if (store_names(h, &names, &n, err) < 0)
		return -1;
	if (use_cache)
		read_cache(h, &old);
	index->facts = xcalloc(n + 1, sizeof(*index->facts));
	CLEANUP_CLOSE int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	for (size_t i = 0; i < n; i++)
		look(h, dir, names[i], &old, &at, index);
	store_names_free(names);
	definition_index_fini(&old);
	if (index->fresh > RENEW_AT)
		write_cache(h, index);
	return 0;
}
