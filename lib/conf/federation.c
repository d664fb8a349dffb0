/*
 * fl-round(1) is a shell script, and a reader of YAML in sh kept blanks and quotes and let a key
 * that is there twice win; so the file is read here, where one table says what may be in it.
 */
#include "conf/federation.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/name.h"
#include "base/number.h"
#include "conf/yaml.h"
#include "os/file.h"

void
fl_federation_conf_release(struct fl_federation_conf *conf)
{
    free(conf->name);
    free(conf->hub);
    free(conf->root);
    free(conf->roster);
    free(conf->key);
    free(conf->work);
    free(conf->shards);
    free(conf->recipe);
    free(conf->trainer);
    free(conf->ledger);
    free(conf->valid);
    *conf = (struct fl_federation_conf){0};
}

/* Is TEXT one line that no shell, ssh or terminal can take for something else? */
static bool
is_plain(const char *text)
{
    if (!*text || *text == '-')
        return false;
    for (const unsigned char *p = (const unsigned char *)text; *p; p++)
        if (*p < ' ' || *p == 127 || strchr("\\\"'`$,", *p))
            return false;
    return true;
}

/* *VALUE, a path relative to the folder of FILE, becomes one that starts there. */
static int
resolve(char **value, const char *file)
{
    const char *slash = strrchr(file, '/');
    char *path;

    if (!slash) {
        file = "./";
        slash = file + 1;
    }
    if (!*value || **value == '/')
        return 0;
    path = fl_alloc((size_t)(slash - file) + strlen(*value) + 2, 1);
    if (!path)
        return -1;
    sprintf(path, "%.*s/%s", (int)(slash - file), file, *value);
    free(*value);
    *value = path;
    return 0;
}

/* "ssh:USER@HOST" as it is; the folder of "dir:FOLDER" relative to the file. */
static int
resolve_hub(char **hub, const char *file)
{
    char *folder, *whole;

    if (!*hub || strncmp(*hub, "dir:", 4) != 0)
        return 0;
    folder = fl_strdup(*hub + 4);
    if (!folder || resolve(&folder, file)) {
        free(folder);
        return -1;
    }
    whole = fl_alloc(strlen(folder) + 5, 1);
    if (whole) {
        sprintf(whole, "dir:%s", folder);
        free(*hub);
        *hub = whole;
    }
    free(folder);
    return whole ? 0 : -1;
}

/* "90", "30m", "6h", "2d" in seconds. */
static int
read_time(const char *file, const char *key, const char *text, int64_t *seconds)
{
    static const char units[] = "smhd";
    static const int64_t each[] = {1, 60, 3600, 86400};
    size_t len = strlen(text);
    const char *unit = len ? strchr(units, text[len - 1]) : NULL;
    char number[24];

    if (len >= sizeof number)
        return fl_error(FL_USAGE, "%s: %s: \"%.40s\" is no time like 90s, 30m, 6h or 2d", file, key,
                        text);
    memcpy(number, text, len + 1);
    if (unit)
        number[len - 1] = 0;
    if (fl_parse_i64(number, 0, 100000000, seconds))
        return fl_error(FL_USAGE, "%s: %s: \"%.40s\" is no time like 90s, 30m, 6h or 2d", file, key,
                        text);
    *seconds *= unit ? each[unit - units] : 1;
    return 0;
}

static int
check_hub(const struct fl_federation_conf *c, const char *file)
{
    const char *host = c->hub && !strncmp(c->hub, "ssh:", 4) ? c->hub + 4 : NULL;

    if (!c->hub == !c->root)
        return fl_error(FL_USAGE,
                        "%s: needs one of hub: ssh:USER@HOST or dir:FOLDER (a site or helper) and "
                        "root: FOLDER (the hub)",
                        file);
    if (c->hub && !(host && *host && *host != '-' && !strchr(host, ' ')) &&
        !(!strncmp(c->hub, "dir:", 4) && c->hub[4]))
        return fl_error(FL_USAGE, "%s: hub: \"%.80s\" is neither ssh:USER@HOST nor dir:FOLDER",
                        file, c->hub);
    return 0;
}

static int
check_values(struct fl_federation_conf *c, const char *file)
{
    const struct {
        const char *key;
        char **value;
        bool path, required;
    } texts[] = {
        {"name", &c->name, false, true},       {"roster", &c->roster, true, true},
        {"key", &c->key, true, true},          {"work", &c->work, true, true},
        {"hub", &c->hub, false, false},        {"root", &c->root, true, false},
        {"shards", &c->shards, true, false},   {"recipe", &c->recipe, true, false},
        {"trainer", &c->trainer, true, false}, {"valid", &c->valid, true, false},
        {"ledger", &c->ledger, true, false},
    };

    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        if (!*texts[i].value && texts[i].required)
            return fl_error(FL_USAGE, "%s: lacks \"%s\"; needed are name, roster, key and work",
                            file, texts[i].key);
        if (*texts[i].value && !is_plain(*texts[i].value))
            return fl_error(FL_USAGE,
                            "%s: %s: \"%.80s\" has a character that fl-round does not pass on; "
                            "leave out control characters, quotes, $, \\, commas and a - in front",
                            file, texts[i].key, *texts[i].value);
        if (texts[i].path && resolve(texts[i].value, file))
            return -1;
    }
    return fl_name_check(c->name)                             ? fl_error_about(file)
           : check_hub(c, file) || resolve_hub(&c->hub, file) ? -1
                                                              : 0;
}

static int
read_conf(struct fl_federation_conf *c, const char *file, const struct fl_yaml *root)
{
    char *patience = NULL, *due = NULL, *send = NULL;
    const struct fl_yaml_key keys[] = {
        FL_KEY_TEXT("name", &c->name),
        FL_KEY_TEXT("hub", &c->hub),
        FL_KEY_TEXT("root", &c->root),
        FL_KEY_TEXT("roster", &c->roster),
        FL_KEY_TEXT("key", &c->key),
        FL_KEY_TEXT("work", &c->work),
        FL_KEY_TEXT("shards", &c->shards),
        FL_KEY_TEXT("recipe", &c->recipe),
        FL_KEY_TEXT("trainer", &c->trainer),
        FL_KEY_TEXT("ledger", &c->ledger),
        FL_KEY_TEXT("valid", &c->valid),
        FL_KEY_TEXT("patience", &patience),
        FL_KEY_TEXT("due", &due),
        FL_KEY_TEXT("send", &send),
        FL_KEY_I64("keep", 1, 1e6, &c->keep),
        FL_KEY_I64("rounds", 0, 9e15, &c->rounds),
        FL_KEY_END,
    };

    *c = (struct fl_federation_conf){.patience = 6 * 3600,
                                     .due = 24 * 3600,
                                     .send = 3600,
                                     .keep = 3};
    int failed = fl_yaml_fill(file, root, keys) || check_values(c, file) ||
                 (patience && read_time(file, "patience", patience, &c->patience)) ||
                 (due && read_time(file, "due", due, &c->due)) ||
                 (send && read_time(file, "send", send, &c->send));
    free(send);
    free(patience);
    free(due);
    return failed ? -1 : 0;
}

static int
from_tree(struct fl_federation_conf *conf, const char *file, struct fl_yaml *root)
{
    int failed = !root || read_conf(conf, file, root);

    if (root && failed)
        fl_federation_conf_release(conf);
    else if (!root)
        *conf = (struct fl_federation_conf){0};
    fl_yaml_free(root);
    return failed ? -1 : 0;
}

int
fl_federation_conf_parse(struct fl_federation_conf *conf, const char *text, size_t len,
                         const char *path)
{
    return from_tree(conf, path, fl_yaml_parse(text, len, path));
}

int
fl_federation_conf_read(struct fl_federation_conf *conf, const char *path)
{
    return from_tree(conf, fl_input_name(path), fl_yaml_read(path));
}
