/*
 * The documents of token shards, each of which is one example: a model that is trained with noise
 * hides whether a document was there, so no window may hold a piece of two.
 *
 * A document ends with the end of text of its shard, or with the shard. Its ids are read in place.
 */
#ifndef FL_NN_DOCUMENTS_H
#define FL_NN_DOCUMENTS_H

#include <stddef.h>
#include <stdint.h>

#include "base/must.h"
#include "nn/data.h"

struct fl_documents {
    const struct fl_data *data; /* borrowed */
    uint64_t *starts;           /* (count + 1,) places in it; the last is the end of all */
    size_t count;
};

/*
 * Find those of DATA, which is sorted. Reads every id once; 8 bytes a document. 0, or -1 with an
 * error when a file was changed. Release them in any case.
 */
FL_MUST int fl_documents_find(struct fl_documents *to, const struct fl_data *data);
void fl_documents_release(struct fl_documents *d);

/* Ids of document I that have a successor in it: the length of its window, but at most T. */
size_t fl_documents_window_size(const struct fl_documents *d, size_t i, size_t T);

/*
 * A window of document I: of all possible ones of fl_documents_window_size ids, which is at least
 * 1, number floor(DRAW 2^-64 their number), into the first of the (t,) ids of X and Y; the others
 * are padded, X by 0 and Y by FL_IGNORE. *COUNTED is how many targets there are [fl_data_window];
 * START of W is not looked at.
 */
FL_MUST int fl_documents_window(const struct fl_documents *d, size_t i, uint64_t draw, size_t T,
                                size_t t, const struct fl_window *w, uint64_t *counted);

#endif
