/* A party's own file: defaults, every key, paths and times resolved, and what no shell may get. */
#include "conf/federation.h"

#include "test.h"

#define LEAST "name: north\nhub: ssh:fl@hub\nroster: r.yaml\nkey: /etc/n.key\nwork: w\n"

static int
parse(struct fl_federation_conf *c, const char *text)
{
    return fl_federation_conf_parse(c, text, strlen(text), "etc/fl/fed.yaml");
}

static void
test_defaults(void)
{
    struct fl_federation_conf c;

    CHECK(!parse(&c, LEAST));
    CHECK_TEXT(c.name, "north");
    CHECK_TEXT(c.hub, "ssh:fl@hub");
    CHECK_TEXT(c.roster, "etc/fl/r.yaml");
    CHECK_TEXT(c.key, "/etc/n.key");
    CHECK_TEXT(c.work, "etc/fl/w");
    CHECK(!c.root && !c.shards && !c.recipe && !c.trainer && !c.ledger && !c.valid);
    CHECK(c.patience == 21600 && c.due == 86400 && c.send == 3600 && c.keep == 3 && c.rounds == 0);
    fl_federation_conf_release(&c);
    CHECK(!c.name);
}

static void
test_every_key(void)
{
    struct fl_federation_conf c;

    CHECK(!parse(&c, "name: h\nroot: ../srv\nroster: r\nkey: k\nwork: w w\nshards: s\nrecipe: c\n"
                     "trainer: t\nledger: l\nvalid: /v\npatience: 90s\ndue: 2d\nsend: 3m\nkeep: "
                     "1\nrounds: 7\n"));
    CHECK_TEXT(c.root, "etc/fl/../srv");
    CHECK_TEXT(c.work, "etc/fl/w w");
    CHECK_TEXT(c.shards, "etc/fl/s");
    CHECK_TEXT(c.recipe, "etc/fl/c");
    CHECK_TEXT(c.trainer, "etc/fl/t");
    CHECK_TEXT(c.ledger, "etc/fl/l");
    CHECK_TEXT(c.valid, "/v");
    CHECK(c.patience == 90 && c.due == 172800 && c.send == 180 && c.keep == 1 && c.rounds == 7);
    fl_federation_conf_release(&c);
    CHECK(!parse(&c, "name: a\nhub: dir:media/stick\nroster: r\nkey: k\nwork: w\ndue: 30m\n"));
    CHECK_TEXT(c.hub, "dir:etc/fl/media/stick");
    CHECK(c.due == 1800);
    fl_federation_conf_release(&c);
}

static void
test_wrong(void)
{
    static const char *const bad[][2] = {
        {LEAST "site: x\n", "line 6: there is no key \"site\""},
        {LEAST "name: south\n", "line 6"},
        {"name: n\nhub: ssh:x\nroster: r\nkey: k\n", "lacks \"work\""},
        {"name: n\nroster: r\nkey: k\nwork: w\n", "one of hub:"},
        {LEAST "root: /srv\n", "one of hub:"},
        {"name: n\nhub: http://x\nroster: r\nkey: k\nwork: w\n", "neither ssh:"},
        {"name: n\nhub: ssh:-oProxyCommand=x\nroster: r\nkey: k\nwork: w\n", "neither ssh:"},
        {"name: n\nhub: \"ssh:x y\"\nroster: r\nkey: k\nwork: w\n", "neither ssh:"},
        {"name: n\nhub: \"dir:\"\nroster: r\nkey: k\nwork: w\n", "neither ssh:"},
        {"name: ../n\nhub: ssh:x\nroster: r\nkey: k\nwork: w\n", "letter or digit first"},
        {LEAST "shards: \"a\\nb\"\n", "shards:"},
        {LEAST "shards: \"a$b\"\n", "shards:"},
        {LEAST "trainer: -x\n", "trainer:"},
        {LEAST "ledger: -x\n", "ledger:"},
        {LEAST "due: 1w\n", "no time like"},
        {LEAST "patience: h\n", "no time like"},
        {LEAST "keep: 0\n", "keep"},
        {"", "mapping"},
    };

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct fl_federation_conf c;
        CHECK(parse(&c, bad[i][0]) && fl_error_status() == FL_USAGE);
        if (!strstr(fl_error_text(), bad[i][1]))
            CHECK_TEXT(fl_error_text(), bad[i][1]);
        CHECK(!c.name && !c.work);
    }
}

int
main(void)
{
    RUN(test_defaults);
    RUN(test_every_key);
    RUN(test_wrong);
    return test_end();
}
