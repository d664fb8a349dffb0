#include "sec/identity.h"

#include <sys/stat.h>

#include "crypt/hash.h"
#include "federation.h"
#include "sec/fingerprint.h"
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
    CHECK(memcmp(line.commitment, again.commitment, 32) && again.epoch == 4);
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

/* Files whose check is right and whose lines are not. */
static void
test_key_lines(void)
{
    static const char *const bad[] = {"name a\n",
                                      "name a\nname a\nepoch 1\n",
                                      "nonsense 1\n",
                                      "name a b\n",
                                      "epoch x\n",
                                      "dh 00\n",
                                      "epoch 99999999999999999999\n",
                                      "name a\n\nepoch 1\n",
                                      "name  a\n",
                                      "dh zz\n",
                                      "name a",
                                      "name ../a\n"};

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        unsigned char check[32];
        char text[1000], hex[65];
        int n = snprintf(text, sizeof text, "fl-key-v1\n%s", bad[i]);
        fl_hash_once(check, NULL, "fl1.vault", text, (size_t)n);
        fl_hex(hex, check, 32);
        n += snprintf(text + n, sizeof text - (size_t)n, "check %s\n", hex);
        put(text, (size_t)n);
        CHECK(!fl_key_read(path) && fl_error_status() != FL_OK);
    }
    put("", 0);
    CHECK(!fl_key_read(path));
}

static void
test_fresh(void)
{
    struct fl_key *key = fl_key_new("a", 1);
    unsigned char a[32], b[32];

    fl_key_fresh(a, key, NULL, 1, "b");
    fl_key_fresh(b, key, NULL, 1, "b");
    CHECK(memcmp(a, b, 32));
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

static void
test_fingerprint(void)
{
    char words[FL_FINGERPRINT_TEXT], typed[300];
    unsigned char rd[32] = {1, 2, 3};

    fl_fingerprint_text(words, rd);
    CHECK(strlen(words) == 71 && !fl_fingerprint_check(words, rd));
    for (size_t i = 0; i < 71; i++) {
        memcpy(typed, words, 72);
        typed[i] = typed[i] == 'b' ? 'd' : 'b';
        char which[20];
        snprintf(which, sizeof which, i % 6 < 5 ? "word %zu, \"" : "word", i / 6 + 1);
        CHECK_REFUSED(fl_fingerprint_check(typed, rd), FL_REFUSED, which);
        CHECK(!strstr(fl_error_text(), "somebody holds another"));
        char right[6] = {0};
        memcpy(right, words + i / 6 * 6, 5);
        CHECK(i % 6 == 5 || !strstr(fl_error_text(), right)); /* it is never told */
        memcpy(typed, words, 72);
        typed[i] = '\0';
        CHECK(fl_fingerprint_check(typed, rd) == -1);
    }
    snprintf(typed, sizeof typed, "\n %s \n", words);
    for (size_t i = 0; typed[i]; i++)
        typed[i] = typed[i] == ' ' && i % 2   ? '-'
                   : typed[i] >= 'a' && i % 3 ? (char)(typed[i] - 32)
                                              : typed[i];
    CHECK(!fl_fingerprint_check(typed, rd));
    snprintf(typed, sizeof typed, "words\t1. %.5s 2. %s!", words, words); /* in other text */
    CHECK(!fl_fingerprint_check(typed, rd));
    snprintf(typed, sizeof typed, "%sx", words);
    CHECK(fl_fingerprint_check(typed, rd) == -1);
    snprintf(typed, sizeof typed, "x%s", words);
    CHECK(fl_fingerprint_check(typed, rd) == -1);
    snprintf(typed, sizeof typed, "%.35s babab %s", words, words + 36); /* one between them */
    CHECK(fl_fingerprint_check(typed, rd) == -1);
    CHECK_REFUSED(fl_fingerprint_check("", rd), FL_REFUSED, "does not hold the 12 words");
    CHECK_REFUSED(fl_fingerprint_check("yes", rd), FL_REFUSED, "does not hold the 12 words");
    CHECK_REFUSED(fl_fingerprint_check(words + 6, rd), FL_REFUSED, "does not hold the 12 words");
    snprintf(typed, sizeof typed, "%.53s %s", words, words + 60); /* the tenth is left out */
    CHECK_REFUSED(fl_fingerprint_check(typed, rd), FL_REFUSED, "word 10, ");
    snprintf(typed, sizeof typed, "%.53s %s", words, words + 48); /* the ninth comes twice */
    CHECK_REFUSED(fl_fingerprint_check(typed, rd), FL_REFUSED, "word 10, ");
    snprintf(typed, sizeof typed, "a b c d e f g h i j k l m");
    CHECK_REFUSED(fl_fingerprint_check(typed, rd), FL_REFUSED, "does not hold the 12 words");
    for (int bit = 0; bit < 256; bit++) {
        rd[bit / 8] ^= (unsigned char)(1 << bit % 8);
        CHECK_REFUSED(fl_fingerprint_check(words, rd), FL_REFUSED, "somebody holds another one");
        rd[bit / 8] ^= (unsigned char)(1 << bit % 8);
    }
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
    RUN(test_fingerprint);
    unlink(path);
    rmdir(folder);
    return test_end();
}
