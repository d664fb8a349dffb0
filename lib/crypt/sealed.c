/*
 * A piece is written when it is full, and never again. It is opened into the caller's memory when
 * all of it is asked for, else into a piece on the stack, which is wiped.
 */
#include "crypt/sealed.h"

#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/error.h"
#include "base/least.h"
#include "base/mem.h"
#include "crypt/chacha.h"
#include "crypt/secret.h"
#include "os/file.h"

enum { PIECE = FL_SEALED_PIECE, BOX = PIECE + FL_BOX_TAG };

struct fl_sealed {
    int fd;
    unsigned char *key; /* secret memory */
    uint64_t pieces;    /* on the disk */
    size_t len;         /* bytes after them: */
    unsigned char last[PIECE];
    unsigned char box[BOX]; /* of the piece that is written */
};

struct fl_sealed *
fl_sealed_new(void)
{
    struct fl_sealed *s = fl_alloc(1, sizeof *s);

    if (!s)
        return NULL;
    s->fd = fl_crypt_init() ? -1 : fl_spool_open();
    s->key = s->fd < 0 ? NULL : fl_secret_alloc(FL_STREAM_KEY, 1);
    if (!s->key) {
        fl_sealed_free(s);
        return NULL;
    }
    fl_random_bytes(s->key, FL_STREAM_KEY);
    return s;
}

void
fl_sealed_free(struct fl_sealed *s)
{
    if (!s)
        return;
    if (s->fd >= 0)
        close(s->fd);
    fl_secret_free(s->key);
    fl_wipe(s, sizeof *s);
    free(s);
}

static void
nonce_of(uint64_t piece, unsigned char nonce[FL_BOX_NONCE])
{
    memset(nonce, 0, FL_BOX_NONCE);
    fl_put64(nonce, piece);
}

static int
seal_piece(struct fl_sealed *s, const unsigned char *plain)
{
    unsigned char nonce[FL_BOX_NONCE];

    nonce_of(s->pieces, nonce);
    fl_box_seal(s->box, plain, PIECE, NULL, 0, nonce, s->key);
    if (fl_write_full(s->fd, "temporary file", s->box, BOX))
        return -1;
    s->pieces++;
    return 0;
}

int
fl_sealed_add(struct fl_sealed *s, const void *data, size_t n)
{
    const unsigned char *p = data;

    for (size_t take; n; p += take, n -= take) {
        if (!s->len && n >= PIECE) {
            take = PIECE;
            if (seal_piece(s, p))
                return -1;
            continue;
        }
        take = fl_piece(n, PIECE - s->len);
        memcpy(s->last + s->len, p, take);
        s->len += take;
        if (s->len < PIECE)
            continue;
        if (seal_piece(s, s->last))
            return -1;
        s->len = 0;
    }
    return 0;
}

uint64_t
fl_sealed_size(const struct fl_sealed *s)
{
    return s->pieces * PIECE + s->len;
}

/* Piece number PIECE of those on the disk, into PLAIN. */
static int
open_piece(const struct fl_sealed *s, uint64_t piece, unsigned char plain[PIECE])
{
    unsigned char nonce[FL_BOX_NONCE], box[BOX];
    ssize_t got = fl_pread_full(s->fd, "temporary file", box, BOX, piece * BOX);

    if (got < 0)
        return -1;
    nonce_of(piece, nonce);
    if (got == BOX && !fl_box_open(plain, box, BOX, NULL, 0, nonce, s->key))
        return 0;
    fl_error(FL_FAILED, "temporary file: is not what this program wrote into it");
    return fl_error_cure("somebody or a bad disk changed it in the folder TMPDIR; start again, in "
                         "another one");
}

int
fl_sealed_read(const struct fl_sealed *s, uint64_t at, void *data, size_t n)
{
    unsigned char *out = data, plain[PIECE];
    bool used = false;
    int result = 0;

    assert(at <= fl_sealed_size(s) && n <= fl_sealed_size(s) - at);
    for (size_t take; n && !result; at += take, out += take, n -= take) {
        const uint64_t piece = at / PIECE;
        const size_t from = (size_t)(at % PIECE);
        take = fl_piece(n, PIECE - from);
        if (piece == s->pieces) {
            memcpy(out, s->last + from, take);
        } else if (take == PIECE) {
            result = open_piece(s, piece, out);
        } else {
            used = true;
            if (!(result = open_piece(s, piece, plain)))
                memcpy(out, plain + from, take);
        }
    }
    if (used)
        fl_wipe(plain, sizeof plain);
    return result;
}
