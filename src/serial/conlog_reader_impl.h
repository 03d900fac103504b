/* conlog_reader_impl: what the reader's files share: conlog_reader.c (pieces), conlog_history.c (which files there are),
 * conlog_seek.c (times, boots, tails). Included by nobody else. */
#ifndef SERIAL_CONLOG_READER_IMPL_H
#define SERIAL_CONLOG_READER_IMPL_H

#include <sys/types.h>

#include "serial/conlog_files.h"
#include "serial/conlog_reader.h"
#include "serial/conlog_source.h"
#include "serial/ring.h"

struct history_file {
	struct conlog_source *source;
	int index_fd;      /* -1 none */
	ino_t inode;       /* of the log */
	uint64_t begin_ns; /* time of the first record; 0 not known */
	uint64_t end_ns;   /* the file's own time */
	bool live;
};

struct conlog_reader {
	char *path, *ring_path;
	struct history_file *files; /* the oldest first */
	unsigned n_files;
	uint64_t bytes_read; /* of files that are closed, and indexes */
	/* Where we are: in a file … */
	unsigned file;             /* == n_files: in the ring, or at the end */
	struct conlog_index index; /* of that file, when `entered` */
	bool entered;
	size_t record;  /* the first one that was not handed out */
	uint64_t size;  /* of a live file, as of the index */
	uint64_t stop;  /* no byte of that file from here on is wanted */
	uint64_t after; /* begin here when the file is entered */
	bool damage;    /* is to be told */
	uint8_t *carry; /* what looked like a mark's text and was the guest's */
	size_t carry_n;
	/* … or in the ring. */
	struct ring *ring;
	ino_t ring_inode;
	bool ring_tried;
	uint64_t offset;
	struct ring_note_cursor notes;
	struct ring_note note; /* the next one */
	bool has_note;
	bool place_known; /* run and offset are those behind what was handed out */
	uint64_t run;
	uint64_t boots;               /* up to there */
	struct conlog_record seen[8]; /* the log's last marks: the ring tells them again */
	unsigned n_seen;
	uint64_t lost; /* a hole that is to be told */
	bool lost_any;
	uint64_t time_ns; /* of the next byte */
	/* Where it ends. */
	uint64_t until_ns; /* UINT64_MAX never */
	bool bounded;      /* by stop_* */
	unsigned stop_file;
	uint64_t stop_pos;
	int watch;
};

/* --- conlog_history.c --- */
/* Opens what there is now. */
int history_open(struct conlog_reader *r, struct err *err);
void history_close(struct conlog_reader *r);

/* --- conlog_reader.c --- */
/* At pos of a file; n_files: behind all of them. */
void reader_at(struct conlog_reader *r, unsigned file, uint64_t pos);
/* The same, and the ring is forgotten: it is found anew behind the files. */
void reader_go(struct conlog_reader *r, unsigned file, uint64_t pos);
/* Makes r->index that of r->file. */
void reader_enter(struct conlog_reader *r);
/* To another place in it, once it is. */
void reader_move(struct conlog_reader *r, uint64_t pos);
/* Opens the ring and stands where the log ends. False: there is none. */
bool reader_ring(struct conlog_reader *r);
/* The next note of the ring that the log has not told. */
bool reader_note(struct conlog_reader *r);

/* --- conlog_seek.c --- */
/* Where the byte of that run is in the files. */
bool seek_offset(struct conlog_reader *r, uint64_t run, uint64_t offset);
/* Up to where a file that was just entered is wanted. UINT64_MAX: all of it. */
uint64_t seek_stop(const struct conlog_reader *r);

#endif
