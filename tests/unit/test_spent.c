/*
 * The ledger: what is written is read again, and any other byte is refused with the number of its
 * line; what a state remembers of it; the sum of its events.
 */
#include "sec/spent.h"

#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "test.h"

#include "crypt/hash.h"
#include "crypt/secret.h"
#include "os/file.h"
#include "os/watch.h"

static char path[64]; /* of this run alone */
static struct fl_key *key;
static unsigned char roster[32] = {9};

static struct fl_spent_line
line(const char *tag, const char *input, const char *event)
{
    return (struct fl_spent_line){"round", tag, input, "site", event, {0}};
}

static void
add(const char *tag, const char *input, const char *event, int sign)
{
    const struct fl_spent_signer by = {sign ? key : NULL, roster, 3};
    struct fl_spent_line l = line(tag, input, event);
    struct fl_spent s;

    CHECK(!fl_spent_open(&s, path, true));
    CHECK(!fl_spent_add(&s, &l, &by));
    fl_spent_release(&s);
}

static void
start(void)
{
    unlink(path);
    CHECK(!fl_spent_create(path));
    add("aa", "11", "gauss:nm=5", 0);
    add("bb", "22", "gauss:nm=5", 1);
    add("cc", "33", "-", 1);
    add("dd", "44", "pgauss:q=0.5,nm=2*10", 0);
}

static void
test_round_trip(void)
{
    struct fl_spent s;
    struct fl_events events = {0};
    uint64_t releases;
    double eps, more, want;

    start();
    CHECK(fl_spent_create(path)); /* never over another one */
    CHECK(!fl_spent_open(&s, path, false));
    CHECK(s.count == 4);
    CHECK_TEXT(s.lines[1].tag, "bb");
    CHECK_TEXT(s.lines[3].event, "pgauss:q=0.5,nm=2*10");
    CHECK(!fl_spent_events(&s, "site", &events));
    CHECK(events.count == 2 && events.items[0].count == 2); /* folded */
    fl_events_release(&events);
    CHECK(!fl_spent_events(&s, "document", &events) && !events.count);
    CHECK(!fl_spent_epsilon(&s, "site", NULL, 1e-6, FL_ACCOUNT_RDP, &eps, &releases));
    CHECK(releases == 12);
    CHECK(!fl_spent_epsilon(&s, "site", "gauss:nm=5", 1e-6, FL_ACCOUNT_RDP, &more, NULL));
    CHECK(more > eps);
    CHECK(!fl_spent_epsilon(&s, "document", NULL, 1e-6, FL_ACCOUNT_RDP, &want, NULL) && want == 0);
    fl_spent_release(&s);
}

/* Who hides a site hides its records, at the price of replacing the site's update; not vice versa. */
static void
test_within(void)
{
    struct fl_spent s;
    struct fl_spent_signer nobody = {0};
    struct fl_spent_line lines[] =
        {{"round", "aa", "01", "site", "dgauss:sigma2=400,sens2=9", {0}},
         {"train", "bb", "02", "record", "pdgauss:q=0.5,sigma=40,sens=3", {0}},
         {"round", "cc", "03", "record", "-", {0}}};
    const struct {
        const char *unit, *first;
        size_t events;
    } cases[] = {{"site", "dgauss:sigma2=400,sens2=9", 1},
                 {"record", "dgauss:sigma2=400,sens2=36", 2},
                 {"passage", "dgauss:sigma2=400,sens2=36", 1}};

    CHECK(!unlink(path) && !fl_spent_create(path));
    for (size_t i = 0; i < 3; i++) {
        CHECK(!fl_spent_open(&s, path, true) && !fl_spent_add(&s, &lines[i], &nobody));
        fl_spent_release(&s);
    }
    CHECK(!fl_spent_open(&s, path, false));
    for (size_t i = 0; i < 3; i++) {
        struct fl_events got = {0}, want = {0};
        CHECK(!fl_spent_events(&s, cases[i].unit, &got) && got.count == cases[i].events);
        CHECK(!fl_events_parse(&want, cases[i].first));
        CHECK(got.count && fl_event_same(&got.items[0], &want.items[0]));
        fl_events_release(&got);
        fl_events_release(&want);
    }
    CHECK(fl_spent_costs(&s.lines[0], "record") && !fl_spent_costs(&s.lines[1], "site"));
    CHECK(!fl_spent_costs(&s.lines[1], "passage") && !fl_spent_costs(&s.lines[2], "record"));
    fl_spent_release(&s);
}

static void
test_found(void)
{
    struct fl_spent s;
    struct fl_spent_line l;
    bool found;

    start();
    CHECK(!fl_spent_open(&s, path, false));
    l = line("bb", "22", "gauss:nm=5");
    CHECK(!fl_spent_find(&s, &l, &found) && found);
    l = line("ee", "22", "gauss:nm=5");
    CHECK(!fl_spent_find(&s, &l, &found) && !found);
    l = line("bb", "23", "gauss:nm=5");
    CHECK(fl_spent_find(&s, &l, &found) && fl_error_status() == FL_REFUSED);
    l = line("bb", "22", "gauss:nm=6");
    CHECK(fl_spent_find(&s, &l, &found) && fl_error_status() == FL_REFUSED);
    l = line("bb", "22", "gauss:nm=5");
    l.unit = "document";
    CHECK(fl_spent_find(&s, &l, &found) && fl_error_status() == FL_REFUSED);
    fl_spent_release(&s);
}

/* ---- damage ---- */

static void
put(const char *text, size_t len)
{
    FILE *f = fopen(path, "w"); /* not flushed: there are thousands */

    CHECK(f && fwrite(text, 1, len, f) == len && !fclose(f));
}

static int
refused(void)
{
    struct fl_spent s;
    int bad = fl_spent_open(&s, path, false);

    if (!bad)
        fl_spent_release(&s);
    return bad && fl_error_status() == FL_REFUSED;
}

/*
 * Every byte, changed in its lowest bit, made a space or a zero, and a letter made a capital: all
 * of them are looked at.
 */
static void
test_flips(void)
{
    struct fl_buf file = {0};
    struct fl_spent s;

    start();
    CHECK(!fl_read_file(path, 1 << 20, &file));
    for (size_t i = 0; i < file.len; i++)
        for (int kind = 0; kind < 4; kind++) {
            const unsigned char was = file.data[i];
            const unsigned char other[] = {was ^ 1, ' ', '\0', was & 0xDF};
            file.data[i] = other[kind];
            if (file.data[i] == was)
                continue;
            put((const char *)file.data, file.len);
            if (!refused()) {
                printf("# byte %zu, kind %d was not seen\n", i, kind);
                CHECK(0);
            }
            file.data[i] = was;
        }
    put((const char *)file.data, file.len);
    CHECK(!fl_spent_open(&s, path, false));
    fl_spent_release(&s);
    fl_buf_release(&file);
}

static char *
nth(char *text, int n)
{
    while (n-- > 0)
        text = strchr(text, '\n') + 1;
    return text;
}

/* Lines dropped, doubled, swapped; a file cut anywhere but after a line. */
static void
test_lines(void)
{
    struct fl_buf file = {0};
    char *text, *other;

    start();
    CHECK(!fl_read_file(path, 1 << 20, &file));
    text = (char *)file.data;
    other = malloc(2 * file.len);
    for (int n = 1; n <= 4; n++) {
        size_t at = (size_t)(nth(text, n) - text), end = (size_t)(nth(text, n + 1) - text);
        memcpy(other, text, at);
        memcpy(other + at, text + end, file.len - end);
        put(other, file.len - (end - at));
        CHECK(n == 4 ? !refused() : refused()); /* the last one: see test_marks */
        memcpy(other, text, end);
        memcpy(other + end, text + at, file.len - at);
        put(other, file.len + end - at);
        CHECK(refused());
        CHECK(strstr(fl_error_text(), "line "));
        if (n < 4) {
            size_t last = (size_t)(nth(text, n + 2) - text);
            memcpy(other, text, at);
            memcpy(other + at, text + end, last - end);
            memcpy(other + at + last - end, text + at, end - at);
            memcpy(other + last, text + last, file.len - last);
            put(other, file.len);
            CHECK(refused());
        }
    }
    for (size_t len = 0; len < file.len; len++) {
        put(text, len);
        CHECK(refused() || (len && text[len - 1] == '\n'));
    }
    free(other);
    fl_buf_release(&file);
    unlink(path);
    CHECK(refused());
}

static void
test_marks(void)
{
    struct fl_spent_mark none = {{0}, {0}, 0}, mark, early;
    struct fl_spent s;
    struct fl_buf old = {0};

    start();
    CHECK(!fl_read_file(path, 1 << 20, &old));
    CHECK(!fl_spent_open(&s, path, false));
    CHECK(!fl_spent_check_mark(&s, &none));
    fl_spent_get_mark(&s, &early);
    fl_spent_release(&s);
    add("ff", "66", "gauss:nm=9", 1);
    CHECK(!fl_spent_open(&s, path, false));
    fl_spent_get_mark(&s, &mark);
    CHECK(!fl_spent_check_mark(&s, &mark) && !fl_spent_check_mark(&s, &early));
    fl_spent_release(&s);
    put((const char *)old.data, old.len); /* an old copy */
    CHECK(!fl_spent_open(&s, path, false));
    CHECK(fl_spent_check_mark(&s, &mark) && fl_error_status() == FL_REFUSED);
    CHECK(strstr(fl_error_text(), "restored or edited"));
    fl_spent_release(&s);
    add("ff", "67", "gauss:nm=9", 1); /* and another line in its place */
    CHECK(!fl_spent_open(&s, path, false));
    CHECK(fl_spent_check_mark(&s, &mark) && strstr(fl_error_text(), "line 5"));
    CHECK(!fl_spent_check_mark(&s, &early));
    fl_spent_release(&s);
    start(); /* another ledger */
    CHECK(!fl_spent_open(&s, path, false));
    CHECK(fl_spent_check_mark(&s, &early) && strstr(fl_error_text(), "another ledger"));
    fl_spent_release(&s);
    fl_buf_release(&old);
}

/* A signature of another key, or over another line, is seen though the chain is made anew. */
static void
test_signature(void)
{
    struct fl_buf file = {0};
    struct fl_spent s = {0};
    char *text;

    start();
    CHECK(!fl_read_file(path, 1 << 20, &file));
    text = strstr((char *)file.data, "2 round bb");
    char *end = strchr(text, '\n');
    *end = '\0';
    char *hash = strrchr(text, ' '), before[65];
    memcpy(before, text - 65, 64);
    before[64] = '\0';
    strstr(text, "bb")[0] = 'x';
    struct fl_hash h;
    unsigned char id[32], last[32], out[32];
    char id_hex[65] = "", hex[65];
    memcpy(id_hex, file.data + strlen("fl-ledger-v1 "), 64);
    CHECK(!fl_unhex(id, 32, id_hex) && !fl_unhex(last, 32, before));
    fl_hash_init(&h, NULL, "fl1.ledger");
    fl_hash_add(&h, id, 32);
    fl_hash_add(&h, last, 32);
    fl_hash_add_sized(&h, text, (size_t)(hash - text));
    fl_hash_final(&h, out);
    fl_hex(hex, out, 32);
    memcpy(hash + 1, hex, 64);
    *end = '\n';
    put((const char *)file.data, (size_t)(end + 1 - (char *)file.data));
    CHECK(fl_spent_open(&s, path, false) && strstr(fl_error_text(), "signature"));
    CHECK(strstr(fl_error_text(), "line 2"));
    fl_buf_release(&file);
}

/* Two programs at once: each waits for the other, and no line is lost. */
static void
test_two(void)
{
    enum { EACH = 20 };
    struct fl_spent s;
    int status, first = 0, second = 0;

    unlink(path);
    CHECK(!fl_spent_create(path));
    pid_t child = fork();
    for (int i = 0; i < EACH; i++) {
        char tag[24];
        snprintf(tag, sizeof tag, "%s%d", child ? "a" : "b", i);
        add(tag, "00", "gauss:nm=9", 1);
    }
    if (!child)
        _exit(test_failed != 0);
    CHECK(waitpid(child, &status, 0) == child && status == 0);
    CHECK(!fl_spent_open(&s, path, false));
    CHECK(s.count == 2 * EACH);
    for (size_t i = 0; i < s.count; i++) { /* each one's own in order */
        int of_child = s.lines[i].tag[0] == 'b', *next = of_child ? &second : &first;
        CHECK(atoi(s.lines[i].tag + 1) == (*next)++);
    }
    fl_spent_release(&s);
}

/* Killed at any time while lines are added: what is there is whole, and takes the next line. */
static void
test_killed(void)
{
    start();
    for (int round = 0; round < 30; round++) {
        struct fl_spent s;
        int status;
        pid_t child = fork();
        if (!child) {
            for (int i = 0;; i++) {
                char tag[40];
                snprintf(tag, sizeof tag, "r%d.%d", round, i);
                add(tag, "00", "gauss:nm=9", 1);
            }
        }
        nanosleep(&(struct timespec){.tv_nsec = 1000000 + 333331 * round}, NULL);
        kill(child, SIGKILL);
        CHECK(waitpid(child, &status, 0) == child);
        CHECK(!fl_spent_open(&s, path, false));
        CHECK(s.count >= 4);
        fl_spent_release(&s);
        char tag[24];
        snprintf(tag, sizeof tag, "after%d", round);
        add(tag, "00", "-", 0);
    }
}

int
main(void)
{
    CHECK(!fl_crypt_init());
    fl_watch_hurry(); /* thousands of files, none of which changes while it is read */
    key = fl_key_new("a", 1);
    snprintf(path, sizeof path, "/tmp/fl-test-spent.%ld", (long)getpid());
    RUN(test_round_trip);
    RUN(test_within);
    RUN(test_found);
    RUN(test_flips);
    RUN(test_lines);
    RUN(test_marks);
    RUN(test_signature);
    RUN(test_two);
    RUN(test_killed);
    fl_key_free(key);
    unlink(path);
    return test_end();
}
