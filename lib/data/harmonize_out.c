/* What a run writes, as whole streams: shards, or a tokenizer. */
#include "data/harmonize.h"

#include <stdio.h>

#include "data/contract.h"
#include "text/tokenizer_write.h"

int
fl_harmonize_shards(struct fl_harmonize *h, const struct fl_tokenizer *t,
                    const struct fl_shard_outputs *out)
{
    const struct fl_harmonize_settings *set = fl_harmonize_set(h);
    struct fl_shard_about about = {.contract = set->contract ? set->contract->digest : NULL};
    struct fl_shard *train = fl_shard_new(out->train->fd, out->train->name, out->level, t, &about);
    struct fl_shard *valid = NULL;
    int result = -1;

    about.valid = set->valid;
    if (train && out->valid)
        valid = fl_shard_new(out->valid->fd, out->valid->name, out->level, t, &about);
    if (train && (valid || !out->valid) && !fl_harmonize_encode(h, t, train, valid) &&
        !fl_shard_done(train) && (!valid || !fl_shard_done(valid)))
        result = 0;
    fl_shard_free(train);
    fl_shard_free(valid);
    return result;
}

int
fl_harmonize_tokenizer(struct fl_harmonize *h, size_t size, const struct fl_vocabulary_output *to)
{
    struct fl_bpe_trained trained = {0};
    struct fl_progress progress;
    char sentence[120];

    if (fl_harmonize_learn(h, size, &progress, &trained))
        return -1;
    size_t ids = trained.pieces.ids;
    fl_progress_end(&progress, ids, NULL);
    snprintf(sentence, sizeof sentence,
             "the text gives %zu tokens only, not %zu: no pair stands twice in it", ids, size);
    if (ids < size)
        to->note(to->arg, sentence);
    struct fl_writer *w = fl_writer_new(to->out->fd, to->out->name, to->level);
    int result = w ? fl_tokenizer_write_stream(&trained.pieces, trained.merges, trained.count, w)
                   : -1;
    fl_writer_free(w);
    fl_bpe_trained_release(&trained);
    return result;
}
