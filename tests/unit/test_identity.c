#include "sec/identity.h"

#include <sys/stat.h>

#include "crypt/hash.h"
#include "crash.h"
#include "federation.h"
#include "sec/sign.h"

static char folder[64], path[128];

/* A file of mode 0600, not flushed: there are many. */
static void
put(const void *data, size_t n)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

    CHECK(fd >= 0 && !fl_write_full(fd, path, data, n));
    close(fd);
}

static void
test_names(void)
{
    CHECK(!fl_key_new("no name", 1));
}

static void
test_line(void)
{
    struct fl_key *key = fl_key_new("alice", 3);
    struct fl_line line, again;
    char spaced[FL_LINE_MAX + 8];

    fl_key_line(key, &line);
    CHECK(!strncmp(line.text, "fl1 alice 3 ", 12));
    snprintf(spaced, sizeof spaced, " \n%s\r\n", line.text);
    CHECK(!fl_line_parse(&again, spaced));
    CHECK(!memcmp(&line, &again, sizeof line));
    size_t len = strlen(line.text);
    for (size_t i = 0; i < len; i++) { /* every character, to two others */
        static const char others[] = "0aZ .f";
        for (size_t k = 0, changed = 0; changed < 2; k++) {
            memcpy(spaced, line.text, len + 1);
            if (spaced[i] == others[k])
                continue;
            spaced[i] = others[k];
            changed++;
            CHECK(i + 1 == len && others[k] == ' ' ? true : fl_line_parse(&again, spaced) == -1);
        }
        memcpy(spaced, line.text, i);
        spaced[i] = '\0';
        CHECK(fl_line_parse(&again, spaced) == -1);
    }
    fl_key_renew(key, 4);
    fl_key_line(key, &again);
    CHECK(!memcmp(line.sign, again.sign, 32) && memcmp(line.dh, again.dh, 32));
    CHECK(again.epoch == 4 && !strncmp(again.text, "fl1 alice 4 ", 12));
    fl_key_free(key);
}

/* A line with this X25519 key, signed as it should be. */
static int
parse_with_dh(const struct fl_key *key, const char *dh_hex)
{
    struct fl_line line, out;
    unsigned char root[32], sig[64];
    char hex[129];

    fl_key_line(key, &line);
    char *dh = strstr(line.text, " 1 ") + 3 + 65;
    memcpy(dh, dh_hex, 64);
    size_t len = strlen(line.text) - 129;
    fl_hash_once(root, NULL, "fl1.line", line.text, len);
    fl_sig_make(sig, "line", NULL, 0, root, key->secret);
    fl_hex(hex, sig, 64);
    memcpy(line.text + len + 1, hex, 128);
    return fl_line_parse(&out, line.text);
}

static void
test_bad_agreement_keys(void)
{
    static const char *const bad[] = {
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
        "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
        /* 9 plus p, and 9 with the top bit: both are the point 9 written in another way */
        "f6ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "0900000000000000000000000000000000000000000000000000000000000080",
    };
    struct fl_key *key = fl_key_new("eve", 1);

    CHECK(!parse_with_dh(key, "0900000000000000000000000000000000000000000000000000000000000000"));
    CHECK(!parse_with_dh(key, "ebffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        CHECK_REFUSED(parse_with_dh(key, bad[i]), FL_REFUSED, "\"eve\"");
    fl_key_free(key);
}

static void
test_key_file(void)
{
    struct fl_key *key = fl_key_new("alice", 3), *again;
    struct fl_buf content = {0};
    struct stat st;

    key->has_roster = true;
    key->roster_epoch = 2;
    memset(key->roster, 0x5a, 32);
    CHECK(!fl_key_write(key, path) && !stat(path, &st) && (st.st_mode & 0777) == 0600);
    again = fl_key_new("bob", 3);
    CHECK(fl_key_create(again, path) == -1 && fl_error_status() == FL_FAILED);
    fl_key_free(again);
    again = fl_key_read(path);
    CHECK(again && !memcmp(key, again, sizeof *key));
    fl_key_free(again);
    CHECK(!fl_read_file(path, 4096, &content));
    for (size_t i = 0; i < content.len; i++) { /* every byte, and every cut */
        char hex[65];
        content.data[i] ^= 1;
        put(content.data, content.len);
        CHECK(!fl_key_read(path));
        fl_hex(hex, key->seed, 32);
        CHECK(!fed_says(hex));
        content.data[i] ^= 1;
        put(content.data, i);
        CHECK(!fl_key_read(path));
    }
    put(content.data, content.len);
    CHECK(!chmod(path, 0640));
    CHECK(!fl_key_read(path) && fl_error_status() == FL_REFUSED);
    CHECK(!chmod(path, 0602));
    CHECK(!fl_key_read(path) && fl_error_status() == FL_REFUSED);
    CHECK(!unlink(path) && !fl_key_read(path) && fl_error_status() == FL_FAILED);
    fl_buf_release(&content);
    fl_key_free(key);
}

/* A file of these lines whose check is right. */
static void
put_lines(const char *format, const char *lines)
{
    unsigned char check[32];
    char text[1000], hex[65];
    int n = snprintf(text, sizeof text, "%s\n%s", format, lines);

    fl_hash_once(check, NULL, "fl1.vault", text, (size_t)n);
    fl_hex(hex, check, 32);
    n += snprintf(text + n, sizeof text - (size_t)n, "check %s\n", hex);
    put(text, (size_t)n);
}

#define ZEROS "0000000000000000000000000000000000000000000000000000000000000000"
#define REST  "sign " ZEROS "\ndh " ZEROS "\nhedge " ZEROS "\n" MADE
#define MADE  "made 3 4\n"

/* Lines that are all there, and the same with one of them missing, twice, or wrong. */
static void
test_key_lines(void)
{
    static const char *const bad[] = {
        "epoch 1\n" REST,
        "name a\n" REST,
        "name a\nepoch 1\nsign " ZEROS "\ndh " ZEROS "\n" MADE,
        "name a\nepoch 1\nsign " ZEROS "\nhedge " ZEROS "\n" MADE,
        "name a\nepoch 1\ndh " ZEROS "\nhedge " ZEROS "\n" MADE,
        "name a\nepoch 1\nsign " ZEROS "\ndh " ZEROS "\nhedge " ZEROS "\n",
        "name a\nname a\nepoch 1\n" REST,
        "name a\nepoch 1\nepoch 1\n" REST,
        "name a\nepoch 1\n" REST "nonsense 1\n",
        "name a\nepoch 1\n" REST MADE,
        "name a\nepoch 1\nsign " ZEROS "\ndh " ZEROS "\nhedge " ZEROS "\nmade 3\n",
        "name a\nepoch 1\nsign " ZEROS "\ndh " ZEROS "\nhedge " ZEROS "\nmade 3 -1\n",
        "name a\nepoch 1\n" REST "reveal " ZEROS "\n",
        "name a b\nepoch 1\n" REST,
        "name ../a\nepoch 1\n" REST,
        "name a\nepoch x\n" REST,
        "name a\nepoch 99999999999999999999\n" REST,
        "name a\n\nepoch 1\n" REST,
        "name  a\nepoch 1\n" REST,
        "name a\nepoch 1\n" REST "dh 00\n",
        "name a\nepoch 1\n" REST "roster " ZEROS "\n",
        "name a\nepoch 1\n" REST "roster 00 1\n",
    };
    struct fl_key *key;

    put_lines("fl-key-v2", "name a\nepoch 1\n" REST);
    CHECK((key = fl_key_read(path)) && !strcmp(key->name, "a") && !key->has_roster);
    CHECK(key && key->uploads == 3 && key->answers == 4);
    fl_key_free(key);
    put_lines("fl-key-v2", "name a\nepoch 1\n" REST "roster " ZEROS " 7\n");
    CHECK((key = fl_key_read(path)) && key->has_roster && key->roster_epoch == 7);
    fl_key_free(key);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        put_lines("fl-key-v2", bad[i]);
        fl_error_clear();
        CHECK(!fl_key_read(path) && fl_error_status() == FL_FAILED && !fed_says(ZEROS));
    }
    put_lines("fl-key-v1", "name a\nepoch 1\n" REST); /* of an earlier version, or no key at all */
    CHECK(!fl_key_read(path) && fl_error_status() == FL_FAILED);
    put_lines("fl-state-v2", "name a\nepoch 1\n" REST);
    CHECK(!fl_key_read(path) && fl_error_status() == FL_FAILED);
    put("", 0);
    CHECK(!fl_key_read(path));
}

/* Two of the same are not; the clock and the generator see to it, whatever is bound. */
static void
test_fresh(void)
{
    struct fl_key *key = fl_key_new("a", 1);
    unsigned char out[4][32], bind[96] = {1};

    fl_key_fresh(out[0], key, NULL, 1, "b");
    fl_key_fresh(out[1], key, NULL, 1, "b");
    fl_key_fresh(out[2], key, bind, 1, "b");
    fl_key_fresh(out[3], key, bind, 1, "nonce");
    for (int i = 0; i < 4; i++)
        for (int k = 0; k < i; k++)
            CHECK(memcmp(out[i], out[k], 32));
    fl_key_free(key);
}

static void
test_psk(void)
{
    static const char secret[] = "32 bytes or more of secret, and some.";
    unsigned char psk[32], want[32];
    struct fl_hash h;

    CHECK(!fl_output_write_file(path, secret, sizeof secret, FL_OUTPUT_SECRET));
    CHECK(!fl_psk_read(path, psk));
    fl_hash_init(&h, NULL, "fl1.psk");
    fl_hash_add_sized(&h, secret, sizeof secret);
    fl_hash_final(&h, want);
    CHECK(!memcmp(psk, want, 32));
    CHECK(!chmod(path, 0604));
    CHECK_REFUSED(fl_psk_read(path, psk), FL_REFUSED, "others");
    CHECK(!fl_output_write_file(path, secret, 31, FL_OUTPUT_SECRET));
    CHECK_REFUSED(fl_psk_read(path, psk), FL_FAILED, "32 to 4096");
}

/* A crash at any moment of renewing a key: its file is the old one or the new one. */
static int
write_key(void *arg)
{
    return fl_key_write(arg, path);
}

static void
test_crash(void)
{
    struct fl_key *old = fl_key_new("north", 3), *next = fl_key_new("north", 3);
    int outcome = 1, calls = 0, olds = 0;

    CHECK(old && next);
    next->uploads = 5;
    if (test_under_valgrind() || crash_at(1 << 20, write_key, old) == -2) {
        fl_key_free(old);
        fl_key_free(next);
        SKIP("nothing can be traced here");
    }
    for (; outcome == 1 && calls < 1000; calls++) {
        CHECK(!fl_key_write(old, path));
        outcome = crash_at(calls, write_key, next);
        struct fl_key *got = fl_key_read(path);
        CHECK(outcome >= 0 && got);
        const bool is_old = got && !memcmp(got, old, sizeof *got);
        CHECK(is_old || (got && !memcmp(got, next, sizeof *got)));
        olds += is_old;
        fl_key_free(got);
    }
    CHECK(outcome == 0 && calls > 3 && olds > 1 && olds < calls);
    fl_key_free(old);
    fl_key_free(next);
}

int
main(void)
{
    if (fl_crypt_init())
        return 1;
    snprintf(folder, sizeof folder, "/tmp/fl-test-XXXXXX");
    if (!mkdtemp(folder))
        return 1;
    snprintf(path, sizeof path, "%s/key", folder);
    RUN(test_names);
    RUN(test_line);
    RUN(test_bad_agreement_keys);
    RUN(test_key_file);
    RUN(test_key_lines);
    RUN(test_fresh);
    RUN(test_psk);
    RUN(test_crash);
    unlink(path);
    rmdir(folder);
    return test_end();
}
