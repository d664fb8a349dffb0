/*
 * Written by hand, in one order and spacing: the digest of these bytes is what shards and models
 * are compared by.
 */
#include "text/tokenizer_write.h"

#include <stdbool.h>

#include "text/alphabet.h"
#include "text/tokenizer.h"

/* Bytes in the alphabet, with the two characters escaped that JSON wants escaped. */
static int
add_piece(struct fl_buf *out, const char *piece, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (piece[i] == '"' || piece[i] == '\\') {
            if (fl_buf_add_byte(out, '\\') || fl_buf_add_byte(out, (unsigned char)piece[i]))
                return -1;
        } else if (fl_alphabet_write(piece + i, 1, out)) {
            return -1;
        }
    }
    return 0;
}

static int
add_vocab(struct fl_buf *out, const struct fl_vocab *pieces)
{
    size_t len;

    for (unsigned id = 0; id < 256; id++) {
        char byte = (char)id;
        if (fl_buf_add_byte(out, '"') || add_piece(out, &byte, 1) ||
            fl_buf_printf(out, "\":%u,", id))
            return -1;
    }
    if (fl_buf_add_text(out, "\"" FL_EOT_TEXT "\":256"))
        return -1;
    for (size_t id = 257; pieces && id < pieces->ids; id++) {
        const char *piece = fl_vocab_text(pieces, id, &len);
        if (fl_buf_add_text(out, ",\"") || add_piece(out, piece, len) ||
            fl_buf_printf(out, "\":%zu", id))
            return -1;
    }
    return 0;
}

static int
add_merges(struct fl_buf *out, const struct fl_vocab *pieces, const struct fl_bpe_pair *merges,
           size_t n)
{
    size_t left_len, right_len;

    for (size_t i = 0; i < n; i++) {
        const char *left = fl_vocab_text(pieces, merges[i].left, &left_len);
        const char *right = fl_vocab_text(pieces, merges[i].right, &right_len);
        if (fl_buf_add_text(out, i ? ",\"" : "\"") || add_piece(out, left, left_len) ||
            fl_buf_add_byte(out, ' ') || add_piece(out, right, right_len) ||
            fl_buf_add_byte(out, '"'))
            return -1;
    }
    return 0;
}

int
fl_tokenizer_write(const struct fl_vocab *pieces, const struct fl_bpe_pair *merges, size_t n,
                   struct fl_buf *out)
{
    static const char head[] =
        "{\"version\":\"1.0\",\"truncation\":null,\"padding\":null,\"added_tokens\":[{\"id\":256,"
        "\"content\":\"" FL_EOT_TEXT
        "\",\"single_word\":false,\"lstrip\":false,\"rstrip\":false,\"normalized\":false,"
        "\"special\":true}],\"normalizer\":null,\"pre_tokenizer\":";
    static const char byte_level[] = "{\"type\":\"ByteLevel\",\"add_prefix_space\":false,\"trim_"
                                     "offsets\":true,\"use_regex\":%s}";
    static const char model[] =
        ",\"model\":{\"type\":\"BPE\",\"dropout\":null,\"unk_token\":null,\"continuing_subword_"
        "prefix\":null,\"end_of_word_suffix\":null,\"fuse_unk\":false,\"byte_fallback\":false,"
        "\"ignore_merges\":false,\"vocab\":{";
    const char *regex = n ? "true" : "false";

    if (fl_buf_add_text(out, head) || fl_buf_printf(out, byte_level, regex) ||
        fl_buf_add_text(out, ",\"post_processor\":null,\"decoder\":") ||
        fl_buf_printf(out, byte_level, regex) || fl_buf_add_text(out, model) ||
        add_vocab(out, pieces) || fl_buf_add_text(out, "},\"merges\":[") ||
        add_merges(out, pieces, merges, n) || fl_buf_add_text(out, "]}}\n"))
        return -1;
    return 0;
}

int
fl_tokenizer_write_stream(const struct fl_vocab *pieces, const struct fl_bpe_pair *merges, size_t n,
                          struct fl_writer *w)
{
    struct fl_buf json = {0};
    struct fl_meta meta = {0};
    struct fl_tensor tensor;
    int64_t vocab = pieces ? (int64_t)pieces->ids : FL_BYTE_VOCAB;
    int result = -1;

    if (!fl_tokenizer_write(pieces, merges, n, &json) && !fl_meta_set_i64(&meta, "vocab", vocab) &&
        !fl_meta_set_i64(&meta, "eot", 256)) {
        uint64_t dims[1] = {json.len};
        fl_tensor_init(&tensor, FL_TOKENIZER_TENSOR, FL_U8, 1, dims);
        if (!fl_writer_head(w, FL_KIND_TOKENIZER, &meta) && !fl_writer_tensor(w, &tensor) &&
            !fl_writer_data(w, json.data, json.len))
            result = fl_writer_done(w);
    }
    fl_meta_release(&meta);
    fl_buf_release(&json);
    return result;
}
