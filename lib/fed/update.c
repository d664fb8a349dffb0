/*
 * These checks stand here because sums, means, masks and steps all make them, and a message that
 * differs from program to program would have to be learnt twice.
 */
#include "fed/update.h"

#include <string.h>

#include "base/error.h"
#include "base/name.h"

const char *
fl_update_short(const unsigned char digest[FL_HASH_BYTES], char text[FL_UPDATE_HEX])
{
    fl_hex(text, digest, (FL_UPDATE_HEX - 1) / 2);
    return text;
}

int
fl_update_base(const char *file, const struct fl_meta *update, const unsigned char **base)
{
    if (!fl_meta_find(update, "base")) {
        fl_error(FL_FAILED,
                 "%s: does not say which model it belongs to (no \"base\"); make it with fl-train "
                 "or fl-diff",
                 file);
        return -1;
    }
    return fl_meta_get_bytes(update, "base", FL_HASH_BYTES, base) ? fl_error_about(file) : 0;
}

int
fl_update_check_base(const char *file, const struct fl_meta *update, const char *model,
                     const unsigned char digest[FL_HASH_BYTES])
{
    const unsigned char *base;
    char got[FL_UPDATE_HEX], want[FL_UPDATE_HEX];

    if (fl_update_base(file, update, &base))
        return -1;
    if (memcmp(base, digest, FL_HASH_BYTES))
        return fl_error(FL_REFUSED,
                        "%s: belongs to the model %s..., and %s is %s...; take the model that it "
                        "was trained from",
                        file, fl_update_short(base, got), model, fl_update_short(digest, want));
    return 0;
}

int
fl_update_check_contract(const char *file, const struct fl_meta *update,
                         const struct fl_meta *first)
{
    const struct fl_meta_item *item = fl_meta_find(update, "contract");
    const struct fl_meta_item *other = fl_meta_find(first, "contract");
    const unsigned char *digest;
    char text[FL_UPDATE_HEX] = "";

    if (item && fl_meta_get_bytes(update, "contract", FL_HASH_BYTES, &digest))
        return fl_error_about(file);
    if (item && other && fl_meta_same_item(item, other))
        return 0;
    if (item)
        return fl_error(FL_REFUSED,
                        "%s: its text was harmonized by the contract %s..., and that of the first "
                        "input by %s; harmonize all by one contract, and train again",
                        file, fl_update_short(digest, text), other ? "another" : "none");
    if (other)
        return fl_error(FL_REFUSED,
                        "%s: names no contract by which its text was harmonized, and the first "
                        "input names one; train on shards of it, or say it to fl-diff --contract",
                        file);
    return 0;
}

int
fl_update_site(const char *file, const struct fl_meta *update, const char **site)
{
    *site = NULL;
    if (!fl_meta_find(update, "site"))
        return 0;
    if (fl_meta_get_text(update, "site", site))
        return fl_error_about(file);
    return fl_update_check_site(file, *site);
}

int
fl_update_check_site(const char *file, const char *site)
{
    if (fl_name_valid(site))
        return 0;
    return fl_error(FL_FAILED,
                    "%s: its site is \"%.80s\", which is no name (" FL_NAME_RULE
                    "); make it again with another --site NAME",
                    file, site);
}

void
fl_update_keep_common(struct fl_meta *kept, const struct fl_meta *other)
{
    for (size_t i = kept->count; i > 0; i--) {
        const struct fl_meta_item *mine = &kept->items[i - 1];
        const struct fl_meta_item *theirs = fl_meta_find(other, mine->key);
        if (!theirs || !fl_meta_same_item(mine, theirs))
            fl_meta_remove(kept, mine->key);
    }
}

bool
fl_update_own_key(const char *key)
{
    static const char *const own[] = {"site", "examples", "tokens", "loss.first", "loss.last"};

    for (size_t i = 0; i < sizeof own / sizeof *own; i++)
        if (!strcmp(key, own[i]))
            return true;
    return !strncmp(key, "sum.", 4);
}
