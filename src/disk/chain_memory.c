#include "disk/chain_memory.h"

#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/file.h"
#include "core/jsonl.h"
#include "core/mem.h"
#include "core/str.h"

#define FILE_MAX (2u << 20) /* bytes: CHAIN_MAX names */

static const char *const kind_names[CHAIN_KINDS] = {
    [CHAIN_IMAGE] = "image", [CHAIN_BACKING] = "backing", [CHAIN_DATA] = "data"};

/* The definition names the path, not the guest; another of the same sum is told apart by what the file says. */
static char *memory_path(const struct home *h, const char *path)
{
	char name[32];
	snprintf(name, sizeof(name), "%016llx.json", (unsigned long long)str_hash(path));
	return home_data_file(h, "chains", name);
}

static struct json_object *link_json(const struct chain_link *l)
{
	struct json_object *o = json_object_new_object();
	json_object_object_add(o, "kind", json_object_new_string(kind_names[l->kind]));
	json_object_object_add(o, "path", json_object_new_string(l->path));
	json_object_object_add(o, "format", l->format ? json_object_new_string(l->format) : NULL);
	json_object_object_add(o, "depth", json_object_new_int((int)l->depth));
	return o;
}

static int write_file(const struct home *h, const char *path, const char *text, struct err *err)
{
	CLEANUP_FREE char *dir = home_data_file(h, "chains", ".");
	CLEANUP_FREE char *fresh = xasprintf("%s.%d", path, (int)getpid());
	if (home_mkdir(h, dir, err) < 0)
		return -1;
	CLEANUP_CLOSE int fd =
	    open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return err_errno(err, errno, "cannot make '%s'", fresh);
	/* Empty after a power cut it would keep the guest from starting, and missing let it choose. */
	if (fd_write_all(fd, text, strlen(text)) < 0 || fdatasync(fd) < 0 ||
	    rename(fresh, path) < 0) {
		err_errno(err, errno, "cannot write '%s'", path);
		unlink(fresh);
		return -1;
	}
	CLEANUP_CLOSE int folder = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return folder < 0 || fsync(folder) < 0 ? err_errno(err, errno, "cannot sync '%s'", dir) : 0;
}

/* The disk is waited for only where there is news: a machine that gets another disk remembers its first ones already. */
static bool says_so(const char *path, const char *text)
{
	CLEANUP_BUF struct buf b = BUF_INIT;
	return file_read(path, FILE_MAX, &b, NULL) == 0 && b.len == strlen(text) &&
	       memcmp(b.data, text, b.len) == 0;
}

int chain_remember(const struct home *h, const char *domain, const struct chain *c, struct err *err)
{
	CLEANUP_FREE char *path = memory_path(h, c->links[0].path);
	struct json_object *o = json_object_new_object(), *files = json_object_new_array();
	json_object_object_add(o, "domain", json_object_new_string(domain));
	for (size_t i = 0; i < c->n; i++)
		json_object_array_add(files, link_json(&c->links[i]));
	json_object_object_add(o, "files", files);
	const char *text = json_object_to_json_string_ext(o, JSON_C_TO_STRING_PRETTY);
	int rc = says_so(path, text) ? 0 : write_file(h, path, text, err);
	json_object_put(o);
	return rc;
}

static bool take_link(struct json_object *o, struct chain *c)
{
	const char *kind = json_get_str(o, "kind"), *path = json_get_str(o, "path");
	enum chain_kind k = CHAIN_IMAGE;
	while (k < CHAIN_KINDS && !str_eq(kind, kind_names[k]))
		k++;
	if (k == CHAIN_KINDS || path == NULL)
		return false;
	c->links = xreallocarray(c->links, c->n + 1, sizeof(*c->links));
	c->links[c->n++] = (struct chain_link){.kind = k,
	    .path = xstrdup(path),
	    .format = xstrdup0(json_get_str(o, "format")),
	    .depth = (unsigned)json_get_int(o, "depth", 0)};
	return true;
}

static bool take_chain(struct json_object *o, struct chain *c, char **domain)
{
	struct json_object *files = json_get_arr(o, "files");
	const char *who = json_get_str(o, "domain");
	size_t n = files ? json_object_array_length(files) : 0;
	for (size_t i = 0; i < n; i++)
		if (!take_link(json_object_array_get_idx(files, i), c))
			return false;
	*domain = xstrdup(who ? who : "?");
	return n > 0;
}

int chain_recall(
    const struct home *h, const char *path, struct chain *c, char **domain, struct err *err)
{
	CLEANUP_FREE char *file = memory_path(h, path);
	CLEANUP_BUF struct buf b = BUF_INIT;
	struct err why = {0};
	*c = (struct chain){0};
	*domain = NULL;
	if (file_read(file, FILE_MAX, &b, &why) < 0)
		return why.code == ERR_NOT_FOUND ? 0 : err_set(err, why.code, "%s", why.msg);
	buf_addc(&b, '\0');
	struct json_object *o = json_tokener_parse(b.data);
	bool good = take_chain(o, c, domain);
	json_object_put(o);
	if (good && strcmp(c->links[0].path, path) == 0)
		return 1;
	chain_fini(c);
	free(TAKE_PTR(*domain));
	return good
	           ? 0
	           : err_set(err, ERR_INVALID,
	                 "'%s', where the files of '%s' were noted, is damaged: 'hvmux start DOMAIN "
	                 "--accept-chains' takes what its header names now",
	                 file, path);
}

void chain_forget(const struct home *h, const char *path)
{
	CLEANUP_FREE char *file = memory_path(h, path);
	struct chain c;
	char *domain;
	if (chain_recall(h, path, &c, &domain, NULL) != 0)
		unlink(file);
	chain_fini(&c);
	free(domain);
}
