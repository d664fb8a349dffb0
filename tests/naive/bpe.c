#include "bpe.h"

#include <stdlib.h>
#include <string.h>

static size_t
apply(uint32_t *ids, size_t n, uint32_t left, uint32_t right, uint32_t to)
{
    size_t kept = 0;

    for (size_t i = 0; i < n; i++) {
        if (i + 1 < n && ids[i] == left && ids[i + 1] == right) {
            ids[kept++] = to;
            i++;
        } else {
            ids[kept++] = ids[i];
        }
    }
    return kept;
}

static uint32_t
token(struct naive_bpe *b, uint32_t left, uint32_t right)
{
    unsigned char piece[NAIVE_PIECE];
    size_t len = b->piece_len[left] + b->piece_len[right];

    memcpy(piece, b->piece[left], b->piece_len[left]);
    memcpy(piece + b->piece_len[left], b->piece[right], b->piece_len[right]);
    for (uint32_t id = 0; id < b->ids; id++)
        if (b->piece_len[id] == len && !memcmp(b->piece[id], piece, len))
            return id;
    memcpy(b->piece[b->ids], piece, len);
    b->piece_len[b->ids] = len;
    return (uint32_t)b->ids++;
}

void
naive_bpe_train(struct naive_bpe *b, const char *const *words, const uint64_t *count, size_t n,
                size_t size)
{
    uint32_t **text = calloc(n, sizeof *text);
    size_t *len = calloc(n, sizeof *len);
    uint64_t *pairs = calloc((size_t)NAIVE_TOKENS * NAIVE_TOKENS, sizeof *pairs);

    memset(b, 0, sizeof *b);
    for (b->ids = 0; b->ids < 257; b->ids++) {
        b->piece[b->ids][0] = (unsigned char)b->ids;
        b->piece_len[b->ids] = b->ids < 256;
    }
    for (size_t w = 0; w < n; w++) {
        len[w] = strlen(words[w]);
        text[w] = calloc(len[w] + 1, sizeof **text);
        for (size_t i = 0; i < len[w]; i++)
            text[w][i] = (unsigned char)words[w][i];
    }
    while (b->ids < size) {
        size_t best = 0;
        memset(pairs, 0, (size_t)NAIVE_TOKENS * NAIVE_TOKENS * sizeof *pairs);
        for (size_t w = 0; w < n; w++)
            for (size_t i = 0; i + 1 < len[w]; i++)
                pairs[(size_t)text[w][i] * NAIVE_TOKENS + text[w][i + 1]] += count[w];
        for (size_t p = 0; p < (size_t)NAIVE_TOKENS * NAIVE_TOKENS; p++)
            if (pairs[p] > pairs[best])
                best = p;
        if (pairs[best] < 2)
            break;
        uint32_t left = (uint32_t)(best / NAIVE_TOKENS), right = (uint32_t)(best % NAIVE_TOKENS);
        b->left[b->merges] = left;
        b->right[b->merges] = right;
        b->to[b->merges] = token(b, left, right);
        for (size_t w = 0; w < n; w++)
            len[w] = apply(text[w], len[w], left, right, b->to[b->merges]);
        b->merges++;
    }
    for (size_t w = 0; w < n; w++)
        free(text[w]);
    free(text);
    free(len);
    free(pairs);
}

size_t
naive_bpe_encode(const struct naive_bpe *b, const char *word, size_t len, uint32_t *ids)
{
    for (size_t i = 0; i < len; i++)
        ids[i] = (unsigned char)word[i];
    for (;;) {
        size_t best = b->merges, at = 0;
        for (size_t i = 0; i + 1 < len; i++)
            for (size_t m = 0; m < best; m++)
                if (b->left[m] == ids[i] && b->right[m] == ids[i + 1]) {
                    best = m;
                    at = i;
                }
        if (best == b->merges)
            return len;
        ids[at] = b->to[best];
        for (size_t i = at + 1; i + 1 < len; i++)
            ids[i] = ids[i + 1];
        len--;
    }
}
