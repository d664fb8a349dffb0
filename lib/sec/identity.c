/*
 * Secret keys live in locked memory and in one file (sec/vault). Everything random in a key comes
 * from fl_key_fresh, which hashes the system's generator together with a secret of the key
 * (hedge), the time and what the value is for: a generator that repeats itself does not repeat a
 * key.
 */
#include "sec/identity.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/number.h"
#include "crypt/hash.h"
#include "crypt/secret.h"
#include "flt/sniff.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/folder.h"
#include "sec/sign.h"

#define KEY_MAGIC "fl-key-v2"
#define HEX       "0123456789abcdef"

static void
add_now(struct fl_hash *h)
{
    fl_hash_add64(h, fl_realtime_ns());
    fl_hash_add64(h, fl_monotonic_ns());
    fl_hash_add64(h, (uint64_t)getpid());
}

void
fl_key_fresh(unsigned char out[32], const struct fl_key *key, const unsigned char *bind,
             uint64_t ctr, const char *what)
{
    static const unsigned char none[96];
    unsigned char random[32];
    struct fl_hash h;

    fl_random_bytes(random, sizeof random);
    fl_hash_init(&h, random, "fl1.fresh");
    fl_hash_add(&h, key->hedge, sizeof key->hedge);
    fl_hash_add(&h, bind ? bind : none, sizeof none);
    fl_hash_add64(&h, ctr);
    add_now(&h);
    fl_hash_add_sized(&h, what, strlen(what));
    fl_hash_final(&h, out);
    fl_wipe(random, sizeof random);
}

struct fl_key *
fl_key_new(const char *name, int64_t epoch)
{
    if (fl_name_check(name))
        return NULL;
    struct fl_key *key = fl_secret_alloc(1, sizeof *key);
    if (!key)
        return NULL;
    snprintf(key->name, sizeof key->name, "%s", name);
    fl_random_bytes(key->hedge, sizeof key->hedge);
    fl_key_fresh(key->seed, key, NULL, 0, "sign");
    fl_sign_pair(key->seed, key->public, key->secret);
    fl_key_renew(key, epoch);
    return key;
}

void
fl_key_free(struct fl_key *key)
{
    if (key)
        free(key->he_leaves);
    fl_secret_free(key);
}

void
fl_key_renew(struct fl_key *key, int64_t epoch)
{
    key->epoch = epoch;
    fl_key_fresh(key->dh, key, NULL, (uint64_t)epoch, "dh");
    key->has_he = false;
    fl_wipe(key->he_seed, sizeof key->he_seed);
    free(key->he_leaves);
    key->he_leaves = NULL;
}

/* One line of a key file; SEEN has a bit for each kind of line. */
static int
read_line(struct fl_vault *v, struct fl_key *key, unsigned *seen)
{
    static const char *const words[] = {"name",  "epoch", "sign",   "dh",
                                        "hedge", "made",  "roster", "he"};
    uint64_t epoch = 0;
    int bad = 0;
    size_t k = 0;

    while (k < sizeof words / sizeof *words && !fl_vault_is(v, words[k]))
        k++;
    switch (k) {
    case 0:
        bad = fl_vault_get(v, "w", key->name, sizeof key->name) ||
              (fl_name_check(key->name) && fl_vault_bad_line(v));
        break;
    case 1:
        bad = fl_vault_get(v, "n", (uint64_t)FL_EPOCH_MAX, &epoch);
        key->epoch = (int64_t)epoch;
        break;
    case 2: bad = fl_vault_get(v, "b", key->seed); break;
    case 3: bad = fl_vault_get(v, "b", key->dh); break;
    case 4: bad = fl_vault_get(v, "b", key->hedge); break;
    case 5:
        bad = fl_vault_get(v, "nn", (uint64_t)INT64_MAX, &key->uploads, (uint64_t)INT64_MAX,
                           &key->answers);
        break;
    case 6:
        bad = fl_vault_get(v, "bn", key->roster, (uint64_t)FL_EPOCH_MAX, &epoch);
        key->roster_epoch = (int64_t)epoch;
        key->has_roster = true;
        break;
    case 7:
        bad = (!key->he_leaves && !(key->he_leaves = fl_alloc(FL_HE_ROUNDS, 32))) ||
              fl_vault_get(v, "wbbB", key->he_federation, sizeof key->he_federation, key->he_seed,
                           key->he_root, key->he_leaves, (size_t)FL_HE_ROUNDS * 32) ||
              (fl_name_check(key->he_federation) && fl_vault_bad_line(v));
        key->has_he = true;
        break;
    default: return fl_vault_bad_line(v);
    }
    if (!bad && (*seen & 1u << k))
        return fl_vault_bad_line(v);
    *seen |= 1u << k;
    return bad ? -1 : 0;
}

struct fl_key *
fl_key_read(const char *path)
{
    struct fl_vault v;
    unsigned seen = 0;
    int r;

    if (fl_vault_read(&v, path, KEY_MAGIC,
                      "a secret key is expected, which fl-keygen -n NAME -o KEY writes"))
        return NULL;
    struct fl_key *key = fl_secret_alloc(1, sizeof *key);
    while (key && (r = fl_vault_next(&v)) != 0) {
        if (r < 0 || read_line(&v, key, &seen)) {
            fl_key_free(key);
            key = NULL;
        }
    }
    if (key && (seen & 63) != 63) {
        fl_error(FL_FAILED,
                 "%s: lacks a line of a key; use the version of the program that wrote it", path);
        fl_key_free(key);
        key = NULL;
    }
    fl_vault_release(&v);
    if (key)
        fl_sign_pair(key->seed, key->public, key->secret);
    return key;
}

static int
put_key(struct fl_vault *v, const struct fl_key *key)
{
    return fl_vault_begin(v, KEY_MAGIC) || fl_vault_put(v, "name", "w", key->name) ||
           fl_vault_put(v, "epoch", "n", (uint64_t)key->epoch) ||
           fl_vault_put(v, "sign", "b", key->seed) || fl_vault_put(v, "dh", "b", key->dh) ||
           fl_vault_put(v, "hedge", "b", key->hedge) ||
           fl_vault_put(v, "made", "nn", key->uploads, key->answers) ||
           (key->has_roster &&
            fl_vault_put(v, "roster", "bn", key->roster, (uint64_t)key->roster_epoch)) ||
           (key->has_he && fl_vault_put(v, "he", "wbbB", key->he_federation, key->he_seed,
                                        key->he_root, key->he_leaves, (size_t)FL_HE_ROUNDS * 32));
}

static int
write_key(const struct fl_key *key, const char *path, bool fresh)
{
    struct fl_vault v = {0};
    int result = put_key(&v, key) || fl_vault_write(&v, path, fresh) ? -1 : 0;

    fl_vault_release(&v);
    return result;
}

int
fl_key_write(const struct fl_key *key, const char *path)
{
    return write_key(key, path, false);
}

int
fl_key_create(const struct fl_key *key, const char *path)
{
    return write_key(key, path, true);
}

int
fl_psk_read(const char *path, unsigned char psk[32])
{
    enum { LEAST = 32, MOST = 4096 };
    struct fl_hash h;
    char what[FL_SNIFF_TEXT];
    int fd = fl_open_input(path, false), result = -1;
    unsigned char *data = fd < 0 ? NULL : fl_secret_alloc(MOST + 1, 1);
    ssize_t got = data ? fl_read_full(fd, path, data, MOST + 1) : -1;

    if (got > 0 && fl_sniff_own(data, (size_t)got, what)) {
        fl_error(FL_FAILED, "%s: is %s; a secret that all sites have is expected, %d to %d bytes",
                 path, what, LEAST, MOST);
    } else if (got >= 0 && !fl_check_private(fd, path)) {
        if (got >= LEAST && got <= MOST) {
            fl_hash_init(&h, NULL, "fl1.psk");
            fl_hash_add_sized(&h, data, (size_t)got);
            fl_hash_final(&h, psk);
            result = 0;
        } else {
            fl_error(FL_FAILED, "%s: must hold %d to %d bytes of secret", path, LEAST, MOST);
        }
    }
    fl_secret_free(data);
    if (fd >= 0)
        fl_close_input(fd);
    return result;
}

/* The root that a line's signature covers: all before the space in front of it. */
static void
line_root(unsigned char root[32], const char *text, size_t len)
{
    fl_hash_once(root, NULL, "fl1.line", text, len);
}

void
fl_key_line(const struct fl_key *key, struct fl_line *line)
{
    unsigned char root[32], sig[FL_SIGN_BYTES];
    char sign[65], dh[65], hex[2 * FL_SIGN_BYTES + 1];

    *line = (struct fl_line){.epoch = key->epoch};
    snprintf(line->name, sizeof line->name, "%s", key->name);
    memcpy(line->sign, key->public, sizeof line->sign);
    fl_dh_public(line->dh, key->dh);
    fl_hex(sign, line->sign, 32);
    fl_hex(dh, line->dh, 32);
    int n = snprintf(line->text, sizeof line->text, "fl1 %s %lld %s %s", key->name,
                     (long long)key->epoch, sign, dh);
    line_root(root, line->text, (size_t)n);
    fl_sig_make(sig, "line", NULL, 0, root, key->secret);
    fl_hex(hex, sig, sizeof sig);
    snprintf(line->text + n, sizeof line->text - (size_t)n, " %s", hex);
}

/* Below 2^255 - 19, and not of small order: else another line's key may be written in two ways. */
static int
check_dh(const unsigned char dh[FL_DH_PUBLIC])
{
    static const unsigned char one[FL_DH_SECRET] = {1};
    unsigned char shared[FL_DH_SHARED];
    bool canonical = !(dh[31] & 0x80);

    if (dh[31] == 0x7f && dh[0] >= 0xed) {
        canonical = false;
        for (int i = 1; i < 31; i++)
            canonical |= dh[i] != 0xff;
    }
    if (!canonical)
        return fl_error(FL_REFUSED,
                        "its X25519 key is not in canonical form; ask for another line");
    return fl_dh(shared, one, dh); /* any multiple of 8 of a point of small order is zero */
}

/* A value of N bytes in lower-case hexadecimal at *P, which moves past it. */
static int
take_hex(const char **p, void *out, size_t n)
{
    char hex[2 * FL_SIGN_BYTES + 1];

    if (strspn(*p, HEX) != 2 * n)
        return -1;
    memcpy(hex, *p, 2 * n);
    hex[2 * n] = '\0';
    *p += 2 * n;
    return fl_unhex(out, n, hex);
}

static int
take_space(const char **p)
{
    return *(*p)++ == ' ' ? 0 : -1;
}

/* The words in front of the keys: "fl1 NAME EPOCH"; *P moves past them. */
static int
take_head(const char **p, struct fl_line *line)
{
    char epoch[12];
    size_t n;

    if (strncmp(*p, "fl1 ", 4))
        return -1;
    *p += 4;
    n = strcspn(*p, " ");
    if (n > FL_SITE_MAX)
        return -1;
    memcpy(line->name, *p, n);
    *p += n;
    if (fl_name_check(line->name) || take_space(p))
        return -1;
    n = strcspn(*p, " ");
    if (n < 1 || n >= sizeof epoch || (**p == '0' && n > 1) || strspn(*p, "0123456789") != n)
        return -1;
    memcpy(epoch, *p, n);
    epoch[n] = '\0';
    *p += n;
    return fl_parse_i64(epoch, 0, FL_EPOCH_MAX, &line->epoch);
}

/* The line, what its signature covers, and that. */
static int
take_line(struct fl_line *line, const char *text, unsigned char root[32],
          unsigned char sig[FL_SIGN_BYTES])
{
    const char *p;
    size_t len;

    *line = (struct fl_line){0};
    text += strspn(text, " \t\r\n");
    len = strlen(text);
    while (len && strchr(" \t\r\n", text[len - 1]))
        len--;
    if (len >= sizeof line->text)
        return fl_error(FL_USAGE, "\"%.24s...\" is too long for a member's public line", text);
    memcpy(line->text, text, len);
    p = line->text;
    if (take_head(&p, line) || take_space(&p) || take_hex(&p, line->sign, 32) || take_space(&p) ||
        take_hex(&p, line->dh, 32))
        return fl_error(
            FL_USAGE,
            "\"%.24s...\" is not a member's public line; fl-keygen prints one, with -n NAME or "
            "with --public",
            line->text);
    line_root(root, line->text, (size_t)(p - line->text));
    if (take_space(&p) || take_hex(&p, sig, FL_SIGN_BYTES) || *p)
        return fl_error(FL_USAGE,
                        "the public line of \"%s\" is cut or has more after it; copy it whole",
                        line->name);
    return 0;
}

int
fl_line_read(struct fl_line *line, const char *text)
{
    unsigned char root[32], sig[FL_SIGN_BYTES];

    return take_line(line, text, root, sig);
}

int
fl_line_parse(struct fl_line *line, const char *text)
{
    unsigned char root[32], sig[FL_SIGN_BYTES];

    if (take_line(line, text, root, sig))
        return -1;
    if (fl_sig_check(sig, "line", NULL, 0, root, line->sign))
        return fl_error(FL_REFUSED,
                        "the public line of \"%s\" is not signed by its own key; ask for it again",
                        line->name);
    if (check_dh(line->dh)) {
        char about[FL_SITE_MAX + 32];
        snprintf(about, sizeof about, "the public line of \"%s\"", line->name);
        return fl_error_about(about);
    }
    return 0;
}
