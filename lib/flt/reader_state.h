/*
 * The state of a reader, and what may come next:
 *
 *   BETWEEN --HEAD--> INSIDE --TENS--> PAYLOAD --table--> INSIDE --DONE--> CLOSED --HEAD--> INSIDE
 *      \--end: error                                                         |  \--SIGN--> CLOSED
 *                                                                            \--end--> ENDED
 *
 * Invariants: OFFSET counts the bytes consumed since the reader began. A record's header and body
 * are read together and are in REC and BODY until they are used (HELD). In PAYLOAD, block
 * NEXT_BLOCK is the next one, and the first CHECKED blocks have their computed check values in
 * SUMS.
 */
#ifndef FL_FLT_READER_STATE_H
#define FL_FLT_READER_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/must.h"
#include "flt/digest.h"
#include "flt/name_set.h"
#include "flt/pack.h"
#include "flt/reader.h"
#include "flt/record.h"
#include "flt/scan.h"
#include "os/progress.h"

enum fl_reader_at { BETWEEN, INSIDE, PAYLOAD, CLOSED, ENDED };

enum { FL_READER_AHEAD = 512 }; /* entries of the table that are read ahead in a file */

struct fl_reader {
    int fd;
    bool own_fd, seekable, held, failed, want_digest;
    bool foreign; /* the input is no stream at all */
    char *name;
    uint64_t start; /* position of the file where we began */
    uint64_t offset;
    enum fl_reader_at state;
    struct fl_error_copy error;

    struct fl_record rec;
    struct fl_buf body;
    uint64_t record_at; /* offset of the record at hand */
    uint64_t place;     /* records of the object so far */
    uint64_t payload_total;
    struct fl_head head;
    struct fl_tensor tensor;
    struct fl_sign sign;
    struct fl_name_set names;

    uint64_t payload_at, next_block, checked;
    uint64_t *sums;
    size_t sums_cap;
    uint64_t ahead[FL_READER_AHEAD], ahead_at; /* table entries from block ahead_at on; ~0: none */
    unsigned char *blocks;                     /* two, or FL_LEAVES once digests are made */
    bool many;
    struct fl_pool *pool;
    struct fl_scan *scan; /* once POOL is needed */
    struct fl_packer *packer;
    struct fl_chain *chain;
    struct fl_digest collect;
    unsigned char digest[FL_HASH_BYTES], payload_digest[FL_HASH_BYTES];
    struct fl_progress progress;
};

/* Record the error at hand as the one that every later call returns; -1. */
FL_MUST int fl_reader_fail(struct fl_reader *r);

/* Fail with WHAT is damaged at OFFSET of the stream; -1. */
FL_MUST int fl_reader_damaged(struct fl_reader *r, const char *what, uint64_t offset);

/* Exactly N bytes to DATA; -1 when the stream is cut. */
FL_MUST int fl_reader_need(struct fl_reader *r, void *data, size_t n);

/* Zeros up to a multiple of ALIGN of the stream, or -1. */
FL_MUST int fl_reader_need_padding(struct fl_reader *r, size_t align);

/* flt/reader_payload.c: the next block, raw, to TO (FL_FLT_BLOCK bytes or what is left);
 * NULL: to our own, beside those that wait for being hashed. 0 or -1.
 */
FL_MUST int fl_reader_next_block(struct fl_reader *r, void *to, size_t *len);
unsigned char *fl_reader_own_block(const struct fl_reader *r); /* where it goes to then */

/*
 * Pass over what is left of the payload and compare the table after it with what was computed on
 * the way: in PAYLOAD before, INSIDE after. 0 or -1.
 */
FL_MUST int fl_reader_end_payload(struct fl_reader *r);

#endif
